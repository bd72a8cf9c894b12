import type { pointZh } from './point.zh';
import type { Texts } from './zh';

/** The texts of a selling point, in English. */
export const pointEn: Texts<typeof pointZh> = {
  point: {
    title: 'Selling point',
    label: 'First label',
    also: 'Also about',
    bounds: 'Begins and ends (whole sentences)',
    sentences: 'Its sentences',
    outside: 'Not in it:',
    evidence: 'Evidence',
    no_product: 'No product',
    approve: 'It is right',
    correct: 'Correct',
    reject: 'No selling point',
    restore: 'Back to the machine’s answer',
    save: 'Save',
    note: 'Why (optional)',
    first_earlier: 'One sentence earlier',
    first_later: 'Drop the first sentence',
    last_later: 'One sentence more',
    last_earlier: 'Drop the last sentence',
    not_recut: 'The clip there is will not be cut anew; it keeps the old bounds.',
    old_bounds: 'The clip still shows the bounds of before; it is not cut anew.',
    machine: 'The machine said: {{answer}}',
    said: '{{verdict}} by {{by}}, {{at}}',
    carried: 'carried over from the labels of before',
    price_differs: 'The price said is {{said}}, the product’s is {{listed}}.',
    product_unsure: 'It is not sure which product this is about.',
    verdict: { open: 'Not looked at', approved: 'Approved', corrected: 'Corrected', rejected: 'Rejected' },
    share: 'Who may learn from corrections made here',
    share_own: 'Its own brand only',
    share_pool: 'All brands (shared)',
  },
};
