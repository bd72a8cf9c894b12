import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { Icon } from './Icon';

/** A value to be copied elsewhere: shown in full, selectable, with a button that copies it. */
export function CopyField({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [told, setTold] = useState<'copied' | 'copy_failed' | null>(null);

  useEffect(() => {
    if (!told) return;
    const timer = setTimeout(() => setTold(null), 4_000);
    return () => clearTimeout(timer);
  }, [told]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value); // absent outside HTTPS and loopback
      setTold('copied');
    } catch {
      field.current?.select();
      setTold('copy_failed');
    }
  };
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm text-muted">
        {label}
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          ref={field}
          id={id}
          readOnly
          value={value}
          onFocus={(event) => event.currentTarget.select()}
          className="min-h-10 min-w-0 flex-1 basis-56 rounded-xl border border-line bg-sunken px-3 font-mono text-sm text-ink"
        />
        <Button onPress={() => void copy()} aria-label={t('key.copy_named', { name: label })}>
          <Icon name={told === 'copied' ? 'check' : 'copy'} className="size-4" />
          {told === 'copied' ? t('key.copied') : t('key.copy')}
        </Button>
      </div>
      <p role="status" className="text-sm text-warn">
        {told === 'copy_failed' && t('key.copy_failed')}
      </p>
    </div>
  );
}
