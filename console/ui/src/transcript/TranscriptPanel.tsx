import { useEffect, useId, useRef, useState } from 'react';
import { Input, SearchField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useHealth } from '../api/queries';
import type { RecordingDetail } from '../api/recorder';
import { clock } from '../format';
import { Late } from '../health/Late';
import { Button } from '../parts/Button';
import { useKeys } from '../shell/keys';
import { Exports } from './Exports';
import { Found } from './Found';
import { List } from './List';
import type { Moment } from './moment';
import { Rules } from './Rules';

/** What is typed is looked for when the typing rests this long, in milliseconds. */
const REST_MS = 300;

/** How late a recording is heard, in the words of the health page; nothing while all is well. */
function Lateness({ recording }: { recording: string }) {
  const one = useHealth().data?.transcribing.find((h) => h.recording_id === recording);
  if (!one || (one.behind_seconds < 5 && one.rung !== 'quick' && one.rung !== 'bulk')) return null;
  return (
    <p role="status" data-late className="px-4 pb-2 text-sm">
      <Late one={one} />
    </p>
  );
}

/** All that is said in a recording: followed while it plays, searched, corrected, taken away. */
export function TranscriptPanel({ recording, start, moment, onPlay }: { recording: RecordingDetail; /** Media time to show first, in seconds. */ start: number; moment: Moment; onPlay: (at: number) => void }) {
  const { t } = useTranslation();
  const title = useId();
  const search = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState('');
  const [words, setWords] = useState('');
  const [open, setOpen] = useState<'exports' | 'rules' | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setWords(typed.trim()), typed.trim() === '' ? 0 : REST_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useKeys({ '/': () => search.current?.focus() });

  const live = !recording.ended_at;
  return (
    <section aria-labelledby={title} data-transcript className="panel flex max-h-[75dvh] flex-col overflow-hidden xl:sticky xl:top-20 xl:max-h-[max(30rem,calc(100dvh-13.5rem))]">
      <div className="flex flex-wrap items-center gap-2 px-4 pt-4 pb-2">
        <h2 id={title} className="mr-auto text-base font-semibold">
          {t('transcript.title')}
        </h2>
        <Button onPress={() => setOpen('rules')}>{t('transcript.rules')}</Button>
        <Button onPress={() => setOpen('exports')}>{t('transcript.export')}</Button>
      </div>
      <SearchField aria-label={t('transcript.search')} value={typed} onChange={setTyped} className="px-4 pb-3">
        <Input ref={search} placeholder={t('transcript.search')} maxLength={100} className="min-h-10 w-full rounded-xl border border-line bg-paper px-3 text-ink placeholder:text-muted" />
      </SearchField>
      <Lateness recording={recording.id} />
      {words !== '' && <Found recording={recording.id} words={words} onPlay={(line) => onPlay(line.start_s)} />}
      {/* Kept while something is looked for: where it was, and what is being edited. */}
      <div className={words === '' ? 'flex min-h-0 flex-1 flex-col' : 'hidden'}>
        <List recording={recording.id} source={recording.source_id} end={recording.duration_s} live={live} start={start} moment={moment} onPlay={onPlay} />
      </div>
      {open === 'exports' && <Exports recording={recording.id} end={clock(recording.duration_s)} onClose={() => setOpen(null)} />}
      {open === 'rules' && <Rules source={recording.source_id} onClose={() => setOpen(null)} />}
    </section>
  );
}
