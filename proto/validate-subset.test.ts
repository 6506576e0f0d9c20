// proto/buf/validate/validate.proto is written by hand. Here every field of it is compared with the descriptor in
// @bufbuild/protovalidate, which is what reads the rules at run time: a wrong number would be a rule that never fires.

import { readFileSync } from 'node:fs';
import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate as descriptor } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { expect, it } from 'vitest';

const written = readFileSync(new URL('./buf/validate/validate.proto', import.meta.url), 'utf8');

/** Lines such as `StringRules string pattern = 6`, as the file has them. */
function writtenFields(): string[] {
  let message = '';
  const fields: string[] = [];
  for (const line of written.split('\n')) {
    const opened = /^(?:message|enum|extend) ([\w.]+) \{/.exec(line);
    if (opened) message = opened[1]?.split('.').at(-1) ?? '';
    const field = /^\s+(?:(?:optional|repeated) )?(?:([\w.]+) )?(\w+) = (\d+);/.exec(line);
    if (field) fields.push(`${message} ${field[1] ?? ''} ${field[2]} = ${field[3]}`);
  }
  return fields;
}

/** The same lines, as the package has them. */
function packagedFields(): Set<string> {
  const file = descriptor.proto;
  const plain = (name: string) => name.replace(/^\.(buf\.validate\.)?/, '');
  const fields = file.messageType.flatMap((message) =>
    message.field.map((field) => ({ message: message.name, field })),
  );
  const extensions = file.extension.map((field) => ({
    message: field.extendee.split('.').at(-1),
    field,
  }));
  const lines = [...fields, ...extensions].map(({ message, field }) => {
    const type = plain(field.typeName) || Type[field.type]?.toLowerCase();
    return `${message} ${type} ${field.name} = ${field.number}`;
  });
  const values = file.enumType.flatMap((list) =>
    list.value.map((value) => `${list.name}  ${value.name} = ${value.number}`),
  );
  return new Set([...lines, ...values]);
}

it('names and numbers every rule as the package does', () => {
  const packaged = packagedFields();
  const fields = writtenFields();
  expect(fields.length).toBeGreaterThan(100);
  expect(fields.filter((field) => !packaged.has(field))).toEqual([]);
});
