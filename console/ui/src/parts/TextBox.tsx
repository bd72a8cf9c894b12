import { FieldError, Input, Label, TextArea, TextField } from 'react-aria-components';
import { Help, TYPE_BOX } from './Field';

/** A labelled box to type in, with help and a fault below it. `rows` makes it several lines high. */
export function TextBox({
  label,
  value,
  onChange,
  help,
  fault,
  type = 'text',
  rows,
  mono = false,
  placeholder,
  maxLength,
  inputMode,
  list,
  required = false,
  autoFocus = false,
  className = '',
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: string;
  /** Shown, and the box marked, where it is not empty. */
  fault?: string | false | null;
  type?: 'text' | 'url' | 'time' | 'password';
  rows?: number;
  mono?: boolean;
  placeholder?: string;
  maxLength?: number;
  inputMode?: 'numeric';
  list?: string;
  required?: boolean;
  autoFocus?: boolean;
  className?: string;
}) {
  const look = `${TYPE_BOX} ${mono ? 'font-mono text-sm' : ''}`;
  return (
    <TextField
      value={value}
      onChange={onChange}
      type={type}
      isInvalid={Boolean(fault)}
      isRequired={required}
      validationBehavior="aria"
      autoComplete="off"
      maxLength={maxLength}
      inputMode={inputMode}
      autoFocus={autoFocus}
      className={`min-w-0 ${className}`}
    >
      <Label className="mb-1.5 block text-sm font-medium">{label}</Label>
      {rows ? <TextArea rows={rows} className={look} placeholder={placeholder} /> : <Input className={look} placeholder={placeholder} list={list} />}
      {help && <Help>{help}</Help>}
      <FieldError className="block text-sm text-live">{fault}</FieldError>
    </TextField>
  );
}
