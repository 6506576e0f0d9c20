/** One of a few words, all of them in sight. */
export function Choice({
  label,
  value,
  onChoose,
  children,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChoose: (value: string) => void;
  readonly children: readonly string[];
}) {
  return (
    <span role="group" aria-label={label} className="flex rounded-md border border-line text-xs">
      {children.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === value}
          onClick={() => onChoose(one)}
          className="px-2 py-0.5 text-soft first:rounded-l-md last:rounded-r-md hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:text-text"
        >
          {one}
        </button>
      ))}
    </span>
  );
}
