import { type FormEvent, useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Recording } from '../api/recorder';
import { wall } from '../format';
import { Button } from '../parts/Button';
import { Help, TYPE_BOX } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Panel } from '../parts/Notices';
import { useHold } from './queries';

/** Whether retention may delete the recording, and the way to forbid it or allow it again. */
export function HoldPanel({ recording }: { recording: Recording }) {
  const { t, i18n } = useTranslation();
  const hold = useHold(recording.id);
  const [why, setWhy] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (why.trim() !== '') hold.mutate(why.trim(), { onSuccess: () => setWhy('') });
  };
  return (
    <Panel title={t('hold.title')} className="lg:col-span-2">
      {recording.hold ? (
        <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
          <Icon name="lock" className="size-6 text-warn" />
          <div className="min-w-0 flex-1 basis-60">
            <p className="font-medium">{recording.hold.why}</p>
            <p className="text-sm text-muted">{t('hold.since', { by: recording.hold.by, at: wall(recording.hold.at, i18n.language) })}</p>
          </div>
          <Button onPress={() => hold.mutate(null)} isDisabled={hold.isPending}>
            {t('hold.release')}
          </Button>
        </div>
      ) : (
        <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
          <TextField value={why} onChange={setWhy} maxLength={200} autoComplete="off" className="min-w-0 flex-1 basis-64">
            <Label className="mb-1.5 block text-sm font-medium">{t('hold.why')}</Label>
            <Input className={TYPE_BOX} />
            <Help>{t('hold.help')}</Help>
          </TextField>
          <Button type="submit" isDisabled={hold.isPending || why.trim() === ''} className="sm:mb-7">
            <Icon name="lock" className="size-4" />
            {t('hold.put')}
          </Button>
        </form>
      )}
      {hold.isError && (
        <div className="mt-3">
          <ErrorNotice error={hold.error} />
        </div>
      )}
    </Panel>
  );
}
