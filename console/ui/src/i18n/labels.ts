/** What kind of talk a label is: what its colour says. */
export type Family = 'look' | 'works' | 'deal' | 'trust' | 'chat';

interface LabelText {
  zh: string;
  en: string;
  family: Family;
}

/** The base labels of the taxonomy, in its order. A test holds them equal to the service's own list. */
export const LABELS: Record<string, LabelText> = {
  fabric: { zh: '面料', en: 'Fabric', family: 'look' },
  drape: { zh: '垂感', en: 'Drape', family: 'look' },
  skin_feel: { zh: '肤感', en: 'Skin feel', family: 'look' },
  fit: { zh: '版型', en: 'Fit', family: 'look' },
  color: { zh: '颜色', en: 'Colour', family: 'look' },
  size: { zh: '尺码规格', en: 'Size', family: 'look' },
  function: { zh: '功能', en: 'Function', family: 'works' },
  ingredients: { zh: '成分', en: 'Ingredients', family: 'works' },
  demo: { zh: '现场演示', en: 'Demo', family: 'works' },
  before_after: { zh: '前后对比', en: 'Before and after', family: 'works' },
  promo: { zh: '价格优惠', en: 'Price and promotion', family: 'deal' },
  gift: { zh: '赠品', en: 'Gift', family: 'deal' },
  urgency: { zh: '限时限量', en: 'Urgency', family: 'deal' },
  order: { zh: '下单引导', en: 'How to order', family: 'deal' },
  after_sales: { zh: '售后保障', en: 'After-sales', family: 'trust' },
  brand: { zh: '品牌', en: 'Brand', family: 'trust' },
  qa: { zh: '答疑', en: 'Q&A', family: 'trust' },
  chat: { zh: '闲聊', en: 'Small talk', family: 'chat' },
};

/** A label's name for an operator who reads `language`; its key where we do not know it. */
export function labelName(label: string, language: string, given?: { zh: string; en: string }): string {
  const names = given ?? LABELS[label];
  if (!names) return label;
  return language.startsWith('zh') ? names.zh : names.en;
}

/** A label's family; one we do not know looks neutral. */
export function labelFamily(label: string): Family {
  return LABELS[label]?.family ?? 'chat';
}
