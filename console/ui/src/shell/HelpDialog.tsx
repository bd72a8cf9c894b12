import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';

/** A modal box in the middle of the page; a sheet at the bottom of a phone. */
export function Sheet({ open, onClose, title, children, wide = false, keep = false }: { open: boolean; onClose: () => void; title: string; children: ReactNode; wide?: boolean; keep?: boolean }) {
  const { t } = useTranslation();
  return (
    <ModalOverlay
      isOpen={open}
      onOpenChange={(now) => !now && onClose()}
      isDismissable={!keep}
      className="fixed inset-0 z-50 flex items-end justify-center bg-black/50 sm:items-center sm:p-6"
    >
      <Modal className={`max-h-[92dvh] w-full overflow-y-auto rounded-t-3xl bg-surface text-ink shadow-card sm:rounded-3xl ${wide ? 'sm:max-w-2xl' : 'sm:max-w-md'}`}>
        <Dialog className="p-5 outline-none sm:p-7">
          <div className="mb-4 flex items-start justify-between gap-4">
            <Heading slot="title" className="text-xl font-semibold">
              {title}
            </Heading>
            {!keep && (
              <Button look="bare" onPress={onClose} aria-label={t('help.close')} className="-mt-1 -mr-2 px-2">
                <Icon name="close" />
              </Button>
            )}
          </div>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

const ROWS = [
  [['j'], 'next'],
  [['k'], 'previous'],
  [['Space'], 'play'],
  [['←', '→'], 'seek'],
  [['Enter'], 'open_clip'],
  [['u'], 'feed'],
  [['?'], 'help'],
] as const;

const IN_CLIP = [
  [['a'], 'approve'],
  [['e'], 'correct_point'],
  [['x'], 'reject'],
] as const;

const IN_RECORDING = [
  [['Space', 'K'], 'play'],
  [['J', 'L'], 'step'],
  [['←', '→'], 'small_step'],
  [['Home', 'End'], 'ends'],
  [['e'], 'correct'],
  [['/'], 'search'],
  [['f'], 'follow'],
] as const;

function Rows({ rows }: { rows: readonly (readonly [readonly string[], (typeof ROWS | typeof IN_CLIP | typeof IN_RECORDING)[number][1]])[] }) {
  const { t } = useTranslation();
  return (
    <dl className="divide-y divide-line">
      {rows.map(([keys, what]) => (
        <div key={what} className="flex items-center justify-between gap-6 py-2.5">
          <dt>{t(`help.${what}`)}</dt>
          <dd className="flex gap-1.5">
            {keys.map((key) => (
              <kbd key={key} className="min-w-8 rounded-lg border border-b-2 border-line bg-sunken px-2 py-0.5 text-center font-mono text-sm">
                {key}
              </kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The table of shortcuts. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Sheet open={open} onClose={onClose} title={t('help.title')}>
      <Rows rows={ROWS} />
      <h3 className="mt-5 mb-1 font-semibold">{t('help.in_clip')}</h3>
      <Rows rows={IN_CLIP} />
      <h3 className="mt-5 mb-1 font-semibold">{t('help.in_recording')}</h3>
      <Rows rows={IN_RECORDING} />
    </Sheet>
  );
}
