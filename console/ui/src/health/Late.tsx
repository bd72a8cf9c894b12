import { useTranslation } from 'react-i18next';
import type { Health } from '../api/types';

/** With how much care a recording is heard. */
const RUNGS = ['full', 'quick', 'bulk', 'import'] as const;

/** How a recording is heard, and how late. */
export function Late({ one }: { one: Health['transcribing'][number] }) {
  const { t } = useTranslation();
  const rung = RUNGS.find((r) => r === one.rung) ?? 'full';
  return (
    <span className={rung === 'quick' || rung === 'bulk' ? 'text-warn' : ''}>
      {[t(`health.heard.${rung}`), ...(one.behind_seconds >= 5 ? [t('health.behind', { seconds: Math.round(one.behind_seconds) })] : [])].join(' · ')}
    </span>
  );
}
