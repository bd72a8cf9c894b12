import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FORMATS, transcripts } from '../api/transcript';
import { linkButton } from '../parts/Button';
import { TextBox } from '../parts/TextBox';
import { Tick } from '../parts/Tick';
import { Sheet } from '../shell/HelpDialog';
import { rangeFault, rangeQuery } from './range';

/** The transcript as a file: all of it, or a range. */
export function Exports({ recording, end, onClose }: { recording: string; /** Its length now, as a clock shows it. */ end: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [zero, setZero] = useState(false);
  const fault = rangeFault(from, to);
  const wrong = fault.from || fault.to || fault.order;
  return (
    <Sheet open onClose={onClose} title={t('transcript.export_title')}>
      <div className="space-y-4">
        <div className="grid grid-cols-2 gap-3">
          <TextBox label={t('transcript.export_from')} value={from} onChange={setFrom} placeholder="0:00" maxLength={12} fault={fault.from && t('transcript.export_bad')} />
          <TextBox label={t('transcript.export_to')} value={to} onChange={setTo} placeholder={end} maxLength={12} fault={(fault.to && t('transcript.export_bad')) || (fault.order && t('transcript.export_order'))} />
        </div>
        <p className="text-sm text-muted">{t('transcript.export_help')}</p>
        <Tick on={zero} onChange={setZero}>
          {t('transcript.export_zero')}
        </Tick>
        <ul className="grid gap-2 sm:grid-cols-2">
          {FORMATS.map((format) => (
            <li key={format}>
              {wrong ? (
                <span role="link" aria-disabled="true" className={`${linkButton()} w-full opacity-55`}>
                  {t(`transcript.format.${format}`)}
                </span>
              ) : (
                <a download href={transcripts.fileUrl(recording, format, rangeQuery(from, to, zero))} className={`${linkButton()} w-full`}>
                  {t(`transcript.format.${format}`)}
                </a>
              )}
            </li>
          ))}
        </ul>
      </div>
    </Sheet>
  );
}
