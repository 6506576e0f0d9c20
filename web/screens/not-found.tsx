/** A path that leads nowhere. */
import { Link } from '@tanstack/react-router';
import { Empty } from '../ui/page.tsx';

export function NotFound() {
  return (
    <Empty>
      There is nothing here.{' '}
      <Link to="/tasks" className="text-accent underline">
        To the tasks
      </Link>
    </Empty>
  );
}
