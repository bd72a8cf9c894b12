import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../parts/Button';
import { ErrorNotice } from '../parts/Notices';
import { TextBox } from '../parts/TextBox';
import { Sheet } from '../shell/HelpDialog';
import { useHearAgain } from './queries';

/** Asks whether a finished recording shall be heard again, and says what comes of it. */
export function HearAgain({ recording, onClose }: { recording: string; onClose: () => void }) {
  const { t } = useTranslation();
  const again = useHearAgain(recording);
  const [model, setModel] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!again.isPending) again.mutate(model.trim(), { onSuccess: onClose });
  };
  return (
    <Sheet open onClose={onClose} title={t('version.again_title')}>
      <form onSubmit={submit} className="space-y-4">
        <ul className="list-disc space-y-1 pl-5 text-sm">
          {(['again_when', 'again_carried', 'again_clips', 'again_back'] as const).map((key) => (
            <li key={key}>{t(`version.${key}`)}</li>
          ))}
        </ul>
        <TextBox label={t('version.model')} help={t('version.model_help')} value={model} onChange={setModel} placeholder="whisper-base" maxLength={80} mono />
        {again.isError && <ErrorNotice error={again.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onPress={onClose}>{t('add.cancel')}</Button>
          {/* Never disabled: the keyboard would lose its place in the box. */}
          <Button type="submit" look="primary">
            {t('version.again')}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
