import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readProducts } from './products';

const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`../../../../fixtures/speech/${name}`, import.meta.url)), 'utf8');

it.each(['zh_live.products.jsonl', 'en_live.products.jsonl'])('reads %s, a product file as brands write it', (name) => {
  const text = fixture(name);
  const read = readProducts(text);
  expect(read).toHaveLength(text.trim().split('\n').length);
  expect(readProducts(`[${text.trim().split('\n').join(',')}]`)).toEqual(read);
});

it('takes nothing for an empty list', () => expect(readProducts(' \n')).toEqual([]));

it('says which line is wrong', () => {
  const good = '{"sku":"A","name":"a"}';
  expect(readProducts(`${good}\n\n{"sku":"B"`)).toEqual({ fault: 'products_bad_json', line: 3 });
  expect(readProducts('[1]')).toEqual({ fault: 'products_bad_json', line: 1 });
  expect(readProducts(`${good}\n{"sku":"B","name":" "}`)).toEqual({ fault: 'products_bad_field', line: 2, field: 'name' });
  expect(readProducts('{"sku":"A","name":"a","price":"89.9"}')).toEqual({ fault: 'products_bad_field', line: 1, field: 'price' });
  expect(readProducts('{"sku":"A","name":"a","link":1.5}')).toEqual({ fault: 'products_bad_field', line: 1, field: 'link' });
  expect(readProducts('{"sku":"A","name":"a","attributes":{"x":1}}')).toEqual({ fault: 'products_bad_field', line: 1, field: 'attributes' });
  expect(readProducts(`${good}\n${good}`)).toEqual({ fault: 'products_twice', sku: 'A' });
});
