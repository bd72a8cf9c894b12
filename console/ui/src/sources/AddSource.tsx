import { type FormEvent, useState } from 'react';
import { FieldError, FileTrigger, Input, Label, TextArea, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Language, SourceKind } from '../api/types';
import { Button } from '../parts/Button';
import { Choice, Help, TYPE_BOX } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { ErrorNotice } from '../parts/Notices';
import { Sheet } from '../shell/HelpDialog';
import { readProducts } from './products';
import { useAddSource } from './queries';
import { SettingsFields } from './SettingsFields';
import { KeyOnce } from './StreamKey';
import { type Problems, fromForm, toForm } from './settings';

/** How an address to pull from may begin. */
export const SCHEMES = /^(rtmps?|https?|srt|rtsp):\/\/\S+$/i;
/** The category packs there are; none first. */
export const CATEGORIES = ['', 'apparel', 'beauty', '3c', 'food', 'household'] as const;

/** The form for a new source; for a push source it ends with the stream key. */
export function AddSource({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const add = useAddSource();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<SourceKind>('push');
  const [url, setUrl] = useState('');
  const [language, setLanguage] = useState<Language>(i18n.language === 'en' ? 'en' : 'zh');
  const [category, setCategory] = useState<(typeof CATEGORIES)[number]>('');
  const [products, setProducts] = useState('');
  const [tried, setTried] = useState(false);
  const [blank] = useState(() => toForm(undefined, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const [form, setForm] = useState(blank);
  const [problems, setProblems] = useState<Problems>({});

  const read = readProducts(products);
  const badName = name.trim() === '';
  const badUrl = kind === 'pull' && !SCHEMES.test(url.trim());
  const badProducts = !Array.isArray(read);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const more = fromForm(form, kind);
    setProblems('problems' in more ? more.problems : {});
    if (badName || badUrl || badProducts || 'problems' in more || add.isPending) return;
    add.mutate(
      {
        name: name.trim(),
        kind,
        language,
        ...(kind === 'pull' ? { url: url.trim() } : {}),
        ...(category ? { category } : {}),
        ...(read.length > 0 ? { products: read } : {}),
        ...(form !== blank ? { settings: more.settings } : {}),
        ...(kind === 'pull' && more.headers ? { headers: more.headers } : {}),
      },
      { onSuccess: (created) => !created.stream_key && onClose() },
    );
  };

  if (add.data?.stream_key) return <KeyOnce source={add.data} streamKey={add.data.stream_key} title={t('key.title', { name: add.data.name })} onDone={onClose} />;
  return (
    <Sheet open onClose={onClose} title={t('add.title')} wide>
      <form onSubmit={submit} noValidate className="space-y-5">
        <TextField value={name} onChange={setName} maxLength={80} isRequired isInvalid={tried && badName} validationBehavior="aria" autoFocus autoComplete="off">
          <Label className="mb-1.5 block text-sm font-medium">{t('add.name')}</Label>
          <Input className={TYPE_BOX} />
          <Help>{t('add.name_help')}</Help>
          <FieldError className="block text-sm text-live">{t('add.required')}</FieldError>
        </TextField>
        <Choice
          label={t('add.kind')}
          value={kind}
          onChange={setKind}
          options={[
            { value: 'push', title: t('add.push'), help: t('add.push_help') },
            { value: 'pull', title: t('add.pull'), help: t('add.pull_help') },
          ]}
        />
        {kind === 'pull' && (
          <TextField value={url} onChange={setUrl} isRequired isInvalid={tried && badUrl} validationBehavior="aria" type="url" autoComplete="off">
            <Label className="mb-1.5 block text-sm font-medium">{t('add.url')}</Label>
            <Input className={`${TYPE_BOX} font-mono text-sm`} placeholder="https://…/live.flv" />
            <Help>{t('add.url_help')}</Help>
            <FieldError className="block text-sm text-live">{t('add.url_bad')}</FieldError>
          </TextField>
        )}
        <Choice
          label={t('add.language')}
          value={language}
          onChange={setLanguage}
          options={[
            { value: 'zh', title: t('lang.zh') },
            { value: 'en', title: t('lang.en') },
          ]}
        />
        <Choice label={t('add.category')} value={category} onChange={setCategory} options={CATEGORIES.map((value) => ({ value, title: t(`category.${value || 'none'}`) }))} />
        <div className="space-y-2">
          <TextField value={products} onChange={setProducts} isInvalid={badProducts} validationBehavior="aria">
            <Label className="mb-1.5 block text-sm font-medium">{t('add.products')}</Label>
            <TextArea rows={3} className={`${TYPE_BOX} font-mono text-sm`} placeholder={'{"sku": "XT-01", "name": "…", "price": 89.9, "link": 5}'} />
            <Help>{t('add.products_help')}</Help>
            <FieldError className="block text-sm text-live">{badProducts && t(`add.${read.fault}`, { ...read })}</FieldError>
          </TextField>
          <div className="flex flex-wrap items-center gap-3 text-sm">
            <FileTrigger acceptedFileTypes={['.json', '.jsonl', '.ndjson', 'application/json', 'text/plain']} onSelect={(files) => void files?.[0]?.text().then(setProducts)}>
              <Button>{t('add.products_file')}</Button>
            </FileTrigger>
            {!badProducts && read.length > 0 && (
              <span role="status" className="text-good">
                {t('add.products_read', { count: read.length })}
              </span>
            )}
          </div>
        </div>
        <details className="rounded-xl border border-line p-4">
          <summary className="cursor-pointer font-medium">{t('form.more')}</summary>
          <div className="mt-4">
            <SettingsFields kind={kind} form={form} onChange={setForm} problems={problems} stored={[]} />
          </div>
        </details>
        {add.isError && <ErrorNotice error={add.error} />}
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>{t('add.cancel')}</Button>
          <Button type="submit" look="primary" isDisabled={add.isPending}>
            <Icon name="plus" className="size-4" />
            {add.isPending ? t('add.submitting') : t('add.submit')}
          </Button>
        </div>
      </form>
    </Sheet>
  );
}
