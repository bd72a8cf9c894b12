import type { ReactNode } from 'react';
import { Checkbox } from 'react-aria-components';
import { Icon } from './Icon';

/** A box to tick, with its text. */
export function Tick({ on, onChange, children }: { on: boolean; onChange: (on: boolean) => void; children: ReactNode }) {
  return (
    <Checkbox isSelected={on} onChange={onChange} className="group flex cursor-pointer items-start gap-2.5 text-sm">
      <span className="mt-0.5 grid size-5 shrink-0 place-items-center rounded-md border border-muted bg-paper group-data-focus-visible:outline-2 group-data-focus-visible:outline-accent group-data-selected:border-accent group-data-selected:bg-accent group-data-selected:text-accent-ink">
        {on && <Icon name="check" className="size-4" />}
      </span>
      {children}
    </Checkbox>
  );
}
