import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client';
import { Button } from './Button';
import { Icon } from './Icon';

/** Codes that the console itself gives; their words are ours, in the operator's language. */
const OWN = ['unreachable', 'timeout', 'bad_answer'] as const;

/** A failed request in words: what went wrong, and what to do about it where that is known. */
export function useErrorWords(error: unknown): { message: string; hint: string | null } {
  const { t } = useTranslation();
  if (!(error instanceof ApiError)) return { message: error instanceof Error ? error.message : String(error), hint: null };
  const own = OWN.find((code) => code === error.code);
  if (own === 'unreachable') return { message: t('error.unreachable'), hint: t('error.unreachable_hint') };
  return { message: own ? t(`error.${own}`) : error.message, hint: error.hint };
}

/** Shows a failed request, with a way to try again. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const { message, hint } = useErrorWords(error);
  return (
    <div role="alert" className="flex flex-wrap items-start gap-3 rounded-2xl border border-line bg-live-soft p-4 text-live">
      <Icon name="alert" className="mt-0.5 size-5" />
      <div className="min-w-0 flex-1 basis-60">
        <p className="font-medium">{message}</p>
        {hint && <p className="text-sm text-ink">{hint}</p>}
      </div>
      {onRetry && (
        <Button onPress={onRetry} className="text-ink">
          {t('error.retry')}
        </Button>
      )}
    </div>
  );
}

/** A quiet placeholder while the first answer is on its way. */
export function Loading({ children }: { children: ReactNode }) {
  return (
    <p role="status" className="py-16 text-center text-muted">
      {children}
    </p>
  );
}

/** A titled box. */
export function Panel({ title, children, className = '', aside }: { title: ReactNode; children: ReactNode; className?: string; aside?: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={`panel p-4 sm:p-5 ${className}`}>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <h2 id={id} className="text-base font-semibold">
          {title}
        </h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
