/** The common ones of cron expressions in words; the others are shown as they are. Pure. */

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': 'every year on 1 January at 00:00',
  '@annually': 'every year on 1 January at 00:00',
  '@monthly': 'on day 1 of every month at 00:00',
  '@weekly': 'Sundays at 00:00',
  '@daily': 'every day at 00:00',
  '@midnight': 'every day at 00:00',
  '@hourly': 'every hour at :00',
};

const DAYS = ['Sundays', 'Mondays', 'Tuesdays', 'Wednesdays', 'Thursdays', 'Fridays', 'Saturdays'];
const SHORT = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Returns words such as `every day at 04:30`, or null where the expression is none of the common ones. */
export function cronText(expression: string): string | null {
  const text = expression.trim().toLowerCase();
  const named = NAMED[text];
  if (named !== undefined) return named;
  const fields = text.split(/\s+/);
  if (fields.length === 6 && fields[0] === '0') fields.shift();
  if (fields.length !== 5) return null;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (month !== '*') return null;
  if (day === '*' && weekday === '*') {
    const often = oftenText(minute, hour);
    if (often !== null) return often;
  }
  const time = timeText(minute, hour);
  if (time === null) return null;
  if (day === '*') {
    const days = daysText(weekday);
    return days === null ? null : `${days} at ${time}`;
  }
  return weekday === '*' && /^\d+$/.test(day) ? `on day ${day} of every month at ${time}` : null;
}

function oftenText(minute: string, hour: string): string | null {
  if (hour === '*') {
    if (minute === '*' || minute === '*/1') return 'every minute';
    const step = /^\*\/(\d+)$/.exec(minute)?.[1];
    // A step that does not divide the hour begins anew with each.
    if (step !== undefined) return 60 % Number(step) === 0 ? `every ${step} minutes` : null;
    return /^\d+$/.test(minute) ? `every hour at :${minute.padStart(2, '0')}` : null;
  }
  const step = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (step === undefined || !/^\d+$/.test(minute) || 24 % Number(step) !== 0) return null;
  return `every ${step} hours at :${minute.padStart(2, '0')}`;
}

function timeText(minute: string, hour: string): string | null {
  if (!/^\d+$/.test(minute) || !/^\d+$/.test(hour)) return null;
  return `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
}

function daysText(weekday: string): string | null {
  if (weekday === '*') return 'every day';
  if (/^(1|mon)-(5|fri)$/.test(weekday)) return 'Monday to Friday';
  const days = weekday.split(',').map((one) => DAYS[dayNumber(one)]);
  return days.some((one) => one === undefined) ? null : days.join(', ');
}

function dayNumber(text: string): number {
  if (/^[0-7]$/.test(text)) return Number(text) % 7;
  return SHORT.indexOf(text);
}
