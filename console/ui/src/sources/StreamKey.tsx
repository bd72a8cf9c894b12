import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Source } from '../api/recorder';
import { Button } from '../parts/Button';
import { CopyField } from '../parts/CopyField';
import { ErrorNotice } from '../parts/Notices';
import { Sheet } from '../shell/HelpDialog';
import { pushAddresses } from './addresses';
import { useNewKey, useRevokeKey } from './queries';

/** Where to push to, one field for each way in. */
export function PushAddresses({ source }: { source: Source }) {
  const { t } = useTranslation();
  const all = pushAddresses(source);
  if (all.length === 0) return null;
  const label = (kind: string | null) => (kind && all.length > 1 ? t('manage.server_named', { kind }) : t('sources.push_url'));
  return (
    <div className="grid gap-3">
      {all.map(({ kind, url }) => (
        <CopyField key={url} label={label(kind)} value={url} />
      ))}
    </div>
  );
}

/** Shows a stream key, this once. */
export function KeyOnce({ source, streamKey, title, onDone }: { source: Source; streamKey: string; title: string; onDone: () => void }) {
  const { t } = useTranslation();
  const all = pushAddresses(source);
  return (
    <Sheet open onClose={onDone} title={title} wide keep>
      <div className="space-y-4">
        <p className="rounded-xl bg-warn-soft p-3 text-warn">{t('key.once')}</p>
        {all.map(({ kind, url }) => (
          <CopyField key={url} label={all.length > 1 && kind ? `${t('key.server')} (${kind})` : t('key.server')} value={url} />
        ))}
        <CopyField label={t('key.key')} value={streamKey} />
        <Button look="primary" onPress={onDone} className="w-full">
          {t('key.done')}
        </Button>
      </div>
    </Sheet>
  );
}

/** A new stream key, or none any more; each asks once whether that is meant. */
export function KeyControls({ source }: { source: Source }) {
  const { t } = useTranslation();
  const fresh = useNewKey(source.id);
  const revoke = useRevokeKey(source.id);
  const [asked, setAsked] = useState<'rotate' | 'revoke' | null>(null);
  const act = () => {
    if (asked === 'rotate') fresh.mutate(undefined);
    else revoke.mutate(undefined);
    setAsked(null);
  };
  return (
    <div className="space-y-2">
      <div className="flex flex-wrap items-center gap-2">
        <Button onPress={() => setAsked('rotate')}>{t('manage.rotate')}</Button>
        <Button onPress={() => setAsked('revoke')}>{t('manage.revoke')}</Button>
      </div>
      {asked && (
        <div role="alert" className="flex flex-wrap items-center gap-3 rounded-xl bg-warn-soft p-3 text-warn">
          <p className="min-w-0 flex-1 basis-60">{t(`manage.${asked}_sure`)}</p>
          <Button onPress={act}>{t('manage.sure')}</Button>
          <Button onPress={() => setAsked(null)}>{t('add.cancel')}</Button>
        </div>
      )}
      {revoke.isSuccess && !asked && (
        <p role="status" className="text-sm text-warn">
          {t('manage.revoked')}
        </p>
      )}
      {(fresh.isError || revoke.isError) && <ErrorNotice error={fresh.error ?? revoke.error} />}
      {fresh.data?.stream_key && <KeyOnce source={source} streamKey={fresh.data.stream_key} title={t('manage.new_key', { name: source.name })} onDone={fresh.reset} />}
    </div>
  );
}
