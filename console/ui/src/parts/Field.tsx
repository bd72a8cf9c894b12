import type { ReactNode } from 'react';
import { Label, Radio, RadioGroup, Text } from 'react-aria-components';

/** The looks of a box to type in. */
export const TYPE_BOX =
  'min-h-11 w-full rounded-xl border border-line bg-paper px-3 py-2 text-ink placeholder:text-muted data-invalid:border-live';

/** A question with a few answers, all in sight. */
export function Choice<V extends string>({ label, value, onChange, options }: { label: string; value: V; onChange: (value: V) => void; options: { value: V; title: ReactNode; help?: ReactNode }[] }) {
  return (
    <RadioGroup value={value} onChange={(now) => onChange(now as V)}>
      <Label className="mb-1.5 block text-sm font-medium">{label}</Label>
      <div className="flex flex-wrap gap-2">
        {options.map((option) => (
          <Radio
            key={option.value}
            value={option.value}
            className="flex min-h-10 cursor-pointer flex-col justify-center rounded-xl border border-line px-3.5 py-1.5 text-sm outline-offset-2 data-focus-visible:outline-2 data-focus-visible:outline-accent data-selected:border-accent data-selected:bg-accent-soft data-selected:text-accent has-[small]:flex-1 has-[small]:basis-48"
          >
            <span className="font-medium">{option.title}</span>
            {option.help && <small className="block text-sm text-muted">{option.help}</small>}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}

/** A line of help under a field. */
export function Help({ children }: { children: ReactNode }) {
  return (
    <Text slot="description" className="mt-1 block text-sm text-muted">
      {children}
    </Text>
  );
}
