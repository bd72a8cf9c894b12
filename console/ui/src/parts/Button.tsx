import { Button as AriaButton, type ButtonProps } from 'react-aria-components';

const LOOKS = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-110',
  plain: 'bg-surface text-ink border-line hover:bg-sunken',
  bare: 'bg-transparent text-ink border-transparent hover:bg-sunken',
} as const;

/** A button in one of the console's three looks. */
export function Button({ look = 'plain', className = '', ...props }: Omit<ButtonProps, 'className'> & { look?: keyof typeof LOOKS; className?: string }) {
  return (
    <AriaButton
      {...props}
      className={`inline-flex min-h-10 items-center justify-center gap-2 rounded-xl border px-3.5 py-1.5 text-sm font-medium transition disabled:cursor-not-allowed disabled:opacity-55 ${LOOKS[look]} ${className}`}
    />
  );
}

/** The looks of a link that should read as a button. */
export const linkButton = (look: keyof typeof LOOKS = 'plain') =>
  `inline-flex min-h-10 items-center justify-center gap-2 rounded-xl border px-3.5 py-1.5 text-sm font-medium transition ${LOOKS[look]}`;
