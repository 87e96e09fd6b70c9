// Searches that clicks change, and the events behind a row of a table.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './module.mjs';

const { add, events, groupedBy, pipe } = await load('pages/search/edit.ts');

test('a value narrows a search', () => {
  for (const [q, field, value, not, want] of [
    ['', 'eventName', 'RunInstances', false, 'eventName=RunInstances'],
    ['*', 'eventName', 'RunInstances', true, 'NOT eventName=RunInstances'],
    ['src=1.2.3.4', 'eventName', 'RunInstances', false, 'src=1.2.3.4 eventName=RunInstances'],
    ['a=1 b=2', 'a', '1', false, 'a=1 b=2'],
    ['a=1 b=2', 'a', '1', true, 'NOT a=1 b=2'],
    ['NOT a=1 b=2', 'a', '1', true, 'NOT a=1 b=2'],
    ['NOT a=1 b=2', 'a', '1', false, 'a=1 b=2'],
    ['a=10', 'a', '1', false, 'a=10 a=1'],
    ['* | stats count by a', 'a', '1', false, '* | stats count by a | search a=1'],
    ['* | stats count by a | search a=1', 'b', '2', true, '* | stats count by a | search a=1 NOT b=2'],
    ['* | where a=1', 'b', '2', false, '* | where a=1 | search b=2'],
    ['m="x | y"', 'b', '2', false, 'm="x | y" b=2'],
  ])
    assert.equal(add(q, field, value, not), want, `${q} and ${not ? 'not ' : ''}${field} ${value}`);
});

test('no value leaves its quotes', () => {
  assert.equal(add('', 'userAgent', 'a" | delete "', false), 'userAgent="a\\" | delete \\""');
  assert.equal(add('', 'userAgent', 'c:\\', false), 'userAgent="c:\\\\"');
  assert.equal(add('', 'a field', 'NOT', false), '"a field"="NOT"');
});

test('the fields that a table is grouped by', () => {
  for (const [q, fields, split] of [
    ['* | stats count by a b', ['a', 'b'], ''],
    ['* | stats count by a, "b c" | sort -count', ['a', 'b c'], ''],
    ['* | timechart span=1d count by awsRegion', [], 'awsRegion'],
    ['* | chart count over a by b', ['a'], 'b'],
    ['* | chart count by a b', ['a'], 'b'],
    ['* | top 5 eventName by src', ['eventName', 'src'], ''],
    ['* | top limit=5 eventName', ['eventName'], ''],
    ['* | head 5', [], ''],
  ])
    assert.deepEqual(groupedBy(q), { fields, split }, q);
});

test('a row leads to its events', () => {
  const q = 'errorCode=AccessDenied | stats count by src_user eventName';
  assert.equal(events('errorCode=AccessDenied', q, { src_user: 'ann', eventName: 'GetObject', count: '3' }), 'errorCode=AccessDenied src_user=ann eventName=GetObject');
  assert.equal(events('search a=1', '| search a=1 | top b', { b: '2' }), 'a=1 b=2');
  assert.equal(events('*', '* | timechart count by awsRegion', { _time: 'x', 'eu-west-1': '4' }, 'eu-west-1'), 'awsRegion=eu-west-1');
  assert.equal(events('*', '* | timechart count by awsRegion', { _time: 'x', OTHER: '4' }, 'OTHER'), '*', 'the rest is no value');
  assert.equal(events('*', '* | chart count avg(x) by a b', { a: '1', 'count: z': '4' }, 'count: z'), 'a=1 b=z');
  assert.equal(events('*', '* | stats count by a', { a: 'NULL' }), '*');
  assert.equal(events('', '| makeresults | stats count by a', { a: '1' }), null, 'no events are behind it');
});

test('a command is added behind', () => {
  assert.equal(pipe('', 'stats count'), '* | stats count');
  assert.equal(pipe('a=1 ', 'stats count'), 'a=1 | stats count');
});
