/** To empty a node, to give it work again, and to forget one that is gone. */
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Node } from '../../../proto/gen/muster/v1/node_pb.ts';
import { DrainEnd, NodeState } from '../../../proto/gen/muster/v1/node_pb.ts';
import { nodes } from '../../connection.ts';
import { useAction } from '../../ui/action.ts';
import { readDuration } from '../../ui/duration.ts';
import { Field, FIELD_LOOKS, Modal } from '../../ui/modal.tsx';
import { Button } from '../../ui/page.tsx';
import { Ago } from '../../ui/time.tsx';
import { drainOf } from './health.ts';

export function NodeActions({ node }: { readonly node: Node }) {
  const [open, setOpen] = useState<'drain' | 'delete' | null>(null);
  const { isBusy, act } = useAction();
  const { id, drain, state } = node;
  return (
    <>
      {drain === undefined ? null : (
        <Button
          isDisabled={isBusy}
          onClick={() => void act(() => nodes.resumeNode({ id }), `${id} takes tasks again`)}
        >
          Resume
        </Button>
      )}
      <Button onClick={() => setOpen('drain')}>
        {drain === undefined ? 'Drain …' : 'Drain anew …'}
      </Button>
      {state === NodeState.ONLINE ? null : (
        <Button kind="danger" onClick={() => setOpen('delete')}>
          Delete …
        </Button>
      )}
      {open === 'drain' ? <DrainDialog node={node} onClose={() => setOpen(null)} /> : null}
      {open === 'delete' ? <DeleteDialog node={node} onClose={() => setOpen(null)} /> : null}
    </>
  );
}

function DrainDialog({ node, onClose }: { readonly node: Node; readonly onClose: () => void }) {
  const { isBusy, failure, act } = useAction(false);
  const [deadline, setDeadline] = useState('');
  const [isLeaving, setLeaving] = useState(false);
  const [note, setNote] = useState('');
  const ms = deadline.trim() === '' ? null : readDuration(deadline);
  const isWrong = deadline.trim() !== '' && ms === null;
  const submit = async () => {
    if (isWrong) return;
    const isDone = await act(
      () =>
        nodes.drainNode({
          id: node.id,
          ...(ms === null ? {} : { deadline: durationFromMs(ms) }),
          onDeadline: isLeaving ? DrainEnd.LEAVE : DrainEnd.STOP,
          note,
        }),
      `${node.id} is being drained`,
    );
    if (isDone) onClose();
  };
  return (
    <Modal
      isOpen
      onClose={onClose}
      title={`Drain ${node.id}`}
      action="Drain"
      isBusy={isBusy}
      failure={isWrong ? 'The deadline is no duration such as 10m or 1h30m' : failure}
      onSubmit={() => void submit()}
    >
      <p className="text-soft">
        It is given no new task. {node.active === 0 ? 'None is' : `${node.active} are`} at work on
        it now. Tasks that are bound to it wait until it is resumed.
      </p>
      <Field label="Deadline" hint="Such as 10m or 1h30m. Empty: as long as the tasks take.">
        <input
          value={deadline}
          onChange={(event) => setDeadline(event.target.value)}
          placeholder="as long as they take"
          autoFocus
          className={FIELD_LOOKS}
        />
      </Field>
      <fieldset className="flex flex-col gap-1" disabled={ms === null}>
        <legend className="mb-1 font-medium">What is still at work then</legend>
        {[false, true].map((leaves) => (
          <label key={String(leaves)} className={ms === null ? 'text-soft' : ''}>
            <input
              type="radio"
              name="end"
              checked={isLeaving === leaves}
              onChange={() => setLeaving(leaves)}
              className="mr-2"
            />
            {leaves ? 'is left to end by itself' : 'is stopped: the tasks are cancelled'}
          </label>
        ))}
      </fieldset>
      <Field label="Note" hint="Why, for the history and for whoever wonders.">
        <input
          value={note}
          onChange={(event) => setNote(event.target.value)}
          maxLength={250}
          className={FIELD_LOOKS}
        />
      </Field>
    </Modal>
  );
}

function DeleteDialog({ node, onClose }: { readonly node: Node; readonly onClose: () => void }) {
  const { isBusy, failure, act } = useAction(false);
  const navigate = useNavigate();
  const submit = async () => {
    const isDone = await act(() => nodes.deleteNode({ id: node.id }), `${node.id} is forgotten`);
    if (isDone) void navigate({ to: '/nodes' });
  };
  return (
    <Modal
      isOpen
      onClose={onClose}
      title={`Delete ${node.id}?`}
      action="Delete"
      isDanger
      isBusy={isBusy}
      failure={failure}
      onSubmit={() => void submit()}
    >
      <p>
        Its labels, workers and measurements are forgotten; its past tasks stay. If its agent comes
        back, it is a new node.
      </p>
    </Modal>
  );
}

/** Says what has come of a drain. */
export function DrainNotice({ node }: { readonly node: Node }) {
  const look = drainOf(node);
  const { drain } = node;
  if (look === null || drain === undefined) return null;
  return (
    <div role="status" className="rounded-lg border border-warn px-4 py-2.5">
      <span className="font-medium text-warn">
        <span aria-hidden>{look.icon}</span> {look.word}
      </span>
      <span className="text-soft">
        {' '}
        · asked for by {drain.requestedBy} <Ago at={drain.requestedAt} /> · {drain.active} at work
        {drain.deadlineAt === undefined || drain.drainedAt !== undefined ? null : (
          <>
            {' '}
            · deadline <Ago at={drain.deadlineAt} />, then they{' '}
            {drain.onDeadline === DrainEnd.LEAVE ? 'are left alone' : 'are stopped'}
          </>
        )}
        {drain.drainedAt === undefined ? null : (
          <>
            {' '}
            · drained <Ago at={drain.drainedAt} />
          </>
        )}
      </span>
      {drain.note === '' ? null : <p className="mt-0.5">{drain.note}</p>}
    </div>
  );
}
