/**
 * The handlers that bench/handlers.ts has called.
 */
import type { Handler } from '../agent/handlers.ts';

export const echo: Handler = (input) => input;

export const nothing: Handler = () => {};
