import { useTranslation } from 'react-i18next';
import type { Source } from '../api/recorder';
import { LiveDot } from '../parts/Badges';

const STATES = ['idle', 'opening', 'recording', 'stalled', 'retrying', 'waiting', 'disk_full', 'failed'] as const;
const BAD: readonly (string | null | undefined)[] = ['stalled', 'retrying', 'disk_full', 'failed'];

/** What the source does, as the recorder says: a recording that is open does not mean that anything comes. */
export function State({ source }: { source: Source }) {
  const { t } = useTranslation();
  const look = 'inline-flex items-center gap-2 rounded-full px-2.5 py-0.5 text-sm font-medium';
  if (source.state === 'recording') {
    return (
      <span className={`${look} bg-live-soft text-live`}>
        <LiveDot />
        {t('source_state.recording')}
      </span>
    );
  }
  if (!source.enabled) return <span className={`${look} bg-chat-soft text-chat`}>{t('sources.state_off')}</span>;
  if (source.has_key === false) return <span className={`${look} bg-warn-soft text-warn`}>{t('manage.no_key_state')}</span>;
  const told = STATES.find((s) => s === source.state);
  const words = () => {
    if (told === 'waiting') return t(source.settings.mode === 'on_demand' ? 'source_state.waiting_request' : 'source_state.waiting_window');
    if (told === 'idle') return t(source.kind === 'push' ? 'source_state.idle_push' : 'source_state.idle');
    return told ? t(`source_state.${told}`) : (source.state ?? t('source_state.unknown'));
  };
  return <span className={`${look} ${BAD.includes(told) ? 'bg-warn-soft text-warn' : 'bg-sunken text-ink'}`}>{words()}</span>;
}
