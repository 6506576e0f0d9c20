/**
 * The three forms of a result: a table for people, one JSON document, one JSON message a line.
 *
 * JSON is the protobuf JSON of the message with every implicit field present (`attempt` 0, `substate` ""), so that scripts
 * can rely on it. 64-bit numbers are texts there, as protobuf JSON has it.
 */
import type { DescMessage, JsonObject, MessageShape } from '@bufbuild/protobuf';
import { toJson } from '@bufbuild/protobuf';
import { UsageFault } from './fault.ts';
import { stdout } from './sink.ts';
import type { Style } from './style.ts';
import { createStyle, isPlainStream } from './style.ts';
import type { Cell, Column } from './table.ts';
import { renderTable } from './table.ts';

/** The forms that `--output` takes. */
export const OUTPUT_FORMS = ['table', 'json', 'jsonl'] as const;

export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** Reads the value of `--output`. @throws UsageFault for an unknown one */
export function outputForm(value: string | undefined): OutputForm {
  const form = OUTPUT_FORMS.find((one) => one === (value ?? 'table'));
  if (form === undefined) {
    throw new UsageFault(
      `--output: '${value}' is no output form; there are ${OUTPUT_FORMS.join(', ')}`,
    );
  }
  return form;
}

/** The style of standard output. */
export function stdoutStyle(): Style {
  return createStyle(process.stdout, process.env);
}

/** Tells whether colours may go to standard output. */
export function hasColours(): boolean {
  return !isPlainStream(process.stdout, process.env);
}

/** Returns the protobuf JSON of a message, every implicit field present. */
export function messageJson<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): JsonObject {
  return toJson(schema, message, { alwaysEmitImplicit: true }) as JsonObject;
}

/** Prints one document, indented. */
export async function printDocument(document: unknown): Promise<void> {
  await stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** Prints messages, one a line. */
export async function printLines(documents: readonly unknown[]): Promise<void> {
  if (documents.length === 0) return;
  await stdout.write(documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
}

/** Says that something is no more, by the field and the value that named it. */
export async function printDeleted(
  form: OutputForm,
  field: 'id' | 'name',
  value: string,
): Promise<void> {
  const document = { [field]: value, deleted: true };
  if (form === 'json') await printDocument(document);
  else if (form === 'jsonl') await printLines([document]);
  else await stdout.write(`${value}  deleted\n`);
}

/** Prints a table that fits the terminal. */
export async function printTable(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
): Promise<void> {
  const [titles, ...lines] = renderTable(columns, rows, stdout.columns);
  const text = [stdoutStyle().dim(titles ?? ''), ...lines];
  await stdout.write(`${text.join('\n')}\n`);
}

/** Prints names with their values, for the details of one thing. A value may have several lines. */
export async function printDetails(details: readonly (readonly [string, string])[]): Promise<void> {
  const shown = details.filter(([, value]) => value !== '');
  const size = Math.max(...shown.map(([name]) => name.length)) + 2;
  const { dim } = stdoutStyle();
  const lines = shown.flatMap(([name, value]) =>
    value.split('\n').map((line, index) => `${dim((index === 0 ? name : '').padEnd(size))}${line}`),
  );
  await stdout.write(`${lines.join('\n')}\n`);
}
