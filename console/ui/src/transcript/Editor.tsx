import { useMemo, useState } from 'react';
import { Label, TextArea, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { CorrectedUtterance, Utterance } from '../api/transcript';
import { clock, langOf } from '../format';
import { Button } from '../parts/Button';
import { TYPE_BOX } from '../parts/Field';
import { useErrorWords } from '../parts/Notices';
import { markedRuns, marksOf } from './marks';
import { useCorrect } from './queries';
import { TEXT_MAX, textFault } from './range';
import { useMarkWords } from './Words';

/** Changes the text of a sentence where it stands: Enter saves, Escape leaves it as it was. */
export function Editor({ recording, line, onPlay, onDone }: { recording: string; line: Utterance; onPlay: () => void; onDone: (saved: CorrectedUtterance | null) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(line.text);
  const [tried, setTried] = useState(false);
  const correct = useCorrect(recording);
  const { message, hint } = useErrorWords(correct.error);
  const say = useMarkWords();
  const marks = useMemo(() => marksOf(markedRuns(line.text, line.words)).map(say), [line, say]);
  const fault = tried ? textFault(text) : null;

  const save = () => {
    setTried(true);
    if (correct.isPending || textFault(text)) return;
    if (text.trim() === line.text) return onDone(null);
    correct.mutate({ utterance: line.id, text: text.trim() }, { onSuccess: onDone });
  };
  return (
    <li data-line={line.id} className="border-l-3 border-accent bg-accent-soft p-3">
      <TextField
        value={text}
        // One line: what is pasted may be several.
        onChange={(to) => setText(to.replace(/[\r\n\t]+/g, ' '))}
        isInvalid={fault !== null || correct.isError}
        validationBehavior="aria"
        autoComplete="off"
        autoFocus
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return; // the key belongs to the input method
          if (event.key === 'Enter') {
            event.preventDefault();
            save();
          } else if (event.key === 'Escape') onDone(null);
        }}
      >
        <Label className="numbers mb-1.5 block text-sm font-medium">{t('transcript.text_at', { at: clock(line.start_s) })}</Label>
        <TextArea lang={langOf(line.text)} rows={2} maxLength={TEXT_MAX * 2} className={`${TYPE_BOX} field-sizing-content resize-none leading-relaxed`} />
      </TextField>
      {(fault || correct.isError) && (
        <p role="alert" className="mt-1 text-sm text-live">
          {fault ? t(`transcript.fault_${fault}`, { count: TEXT_MAX }) : [t('transcript.not_saved'), message, hint].filter(Boolean).join(' ')}
        </p>
      )}
      {marks.length > 0 && (
        <ul className="mt-2 text-sm text-muted">
          {marks.map((mark, n) => (
            <li key={n}>{mark}</li>
          ))}
        </ul>
      )}
      <div className="mt-2 flex flex-wrap items-center gap-2">
        <Button look="primary" onPress={save} isDisabled={correct.isPending}>
          {t(correct.isPending ? 'form.saving' : 'form.save')}
        </Button>
        <Button onPress={() => onDone(null)}>{t('add.cancel')}</Button>
        <Button look="bare" onPress={onPlay}>
          {t('transcript.hear')}
        </Button>
        <span className="text-xs text-muted pointer-coarse:hidden">{t('transcript.keys')}</span>
      </div>
    </li>
  );
}
