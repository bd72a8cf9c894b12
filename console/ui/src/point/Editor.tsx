import { type FormEvent, type KeyboardEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Point, SayOfPoint } from '../api/points';
import { langOf } from '../format';
import { LABELS, labelName } from '../i18n/labels';
import { Button } from '../parts/Button';
import { TYPE_BOX } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { TextBox } from '../parts/TextBox';
import { Tick } from '../parts/Tick';
import { beside, boundsFit, draftOf, said } from './change';

/** Sentences shown before and after the selling point, so that its bounds can be moved to them. */
const NEAR = 3;

const SELLING = Object.keys(LABELS).filter((label) => label !== 'chat');

function Pick({ label, value, onChange, options, autoFocus = false }: { label: string; value: string; onChange: (value: string) => void; options: [string, string][]; autoFocus?: boolean }) {
  const id = useId();
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)} className={TYPE_BOX} autoFocus={autoFocus}>
        {options.map(([key, name]) => (
          <option key={key} value={key} lang={langOf(name)}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Puts a selling point right: its labels, its product, its bounds. Enter saves, Esc leaves it as it was. */
export function PointEditor({ point, saving, onSave, onClose }: { point: Point; saving: boolean; onSave: (what: SayOfPoint) => void; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [draft, setDraft] = useState(() => draftOf(point));
  const set = (change: Partial<typeof draft>) => setDraft((before) => ({ ...before, ...change }));
  const what = said(point, draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (what && !saving) onSave(what);
  };
  const leave = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
  };

  const before = draftOf(point);
  const low = Math.min(before.first, draft.first);
  const high = Math.max(before.last, draft.last);
  const [from, to] = [point.sentences.findIndex((s) => s.seq === low), point.sentences.findIndex((s) => s.seq === high)];
  const near = point.sentences.slice(Math.max(0, from - NEAR), to + NEAR + 1);
  const mover = (end: 'first' | 'last', by: -1 | 1) => {
    const next = beside(point.sentences, draft[end], by);
    const moved = { ...draft, ...(next ? { [end]: next.seq } : {}) };
    const grows = (end === 'first') === (by === -1);
    return (
      <Button key={`${end}${by}`} onPress={() => set(moved)} isDisabled={!next || !boundsFit(point, moved.first, moved.last)} className="px-2.5">
        <Icon name={grows ? 'plus' : 'close'} className="size-4" />
        {t(`point.${end}_${by === -1 ? 'earlier' : 'later'}`)}
      </Button>
    );
  };

  return (
    <form onSubmit={submit} onKeyDown={leave} className="space-y-4" aria-label={t('point.correct')}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Pick label={t('point.label')} value={draft.label} onChange={(label) => set({ label })} options={SELLING.map((l) => [l, labelName(l, i18n.language)])} autoFocus />
        <Pick label={t('clip.product')} value={draft.sku} onChange={(sku) => set({ sku })} options={[['', t('point.no_product')], ...point.products.map((p): [string, string] => [p.sku, p.name])]} />
      </div>
      <fieldset>
        <legend className="mb-1.5 text-sm font-medium">{t('point.also')}</legend>
        <div className="flex flex-wrap gap-x-4 gap-y-2.5">
          {SELLING.filter((l) => l !== draft.label).map((l) => (
            <Tick key={l} on={draft.also.includes(l)} onChange={(on) => set({ also: on ? [...draft.also, l] : draft.also.filter((x) => x !== l) })}>
              {labelName(l, i18n.language)}
            </Tick>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend className="mb-1.5 text-sm font-medium">{t('point.bounds')}</legend>
        <div className="mb-2 flex flex-wrap gap-2">
          {mover('first', -1)}
          {mover('first', 1)}
        </div>
        <ol className="max-h-72 overflow-y-auto rounded-xl border border-line p-1.5" tabIndex={0} aria-label={t('point.sentences')}>
          {near.map((s) => {
            const inside = draft.first <= s.seq && s.seq <= draft.last;
            return (
              <li key={s.seq} lang={langOf(s.text)} className={`border-l-3 px-2.5 py-1 ${inside ? 'border-accent bg-mark/45' : 'border-transparent text-muted'}`}>
                {!inside && <span className="sr-only">{t('point.outside')} </span>}
                {s.text}
              </li>
            );
          })}
        </ol>
        <div className="mt-2 flex flex-wrap gap-2">
          {mover('last', 1)}
          {mover('last', -1)}
        </div>
        {point.clip_id && (draft.first !== before.first || draft.last !== before.last) && <p className="mt-2 text-sm text-muted">{t('point.not_recut')}</p>}
      </fieldset>
      <TextBox label={t('point.note')} value={draft.note} onChange={(note) => set({ note })} maxLength={500} />
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" isDisabled={!what || saving}>
          {t('point.save')}
        </Button>
        <Button onPress={onClose}>{t('add.cancel')}</Button>
        <span className="text-sm text-muted">{t('transcript.keys')}</span>
      </div>
    </form>
  );
}
