import { describe, expect, it } from 'vitest';
import { createReport } from './problems.js';
import { type PackFile, readYaml, readYamlInSteps } from './yaml.js';

const read = (text: string): PackFile | string[] => {
  const report = createReport();
  const file = readYaml('a.yaml', text, report);
  return file ?? report.sorted().map((problem) => `${problem.path} ${problem.code}`);
};

const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]', 'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]', 'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]']
  .concat('d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]')
  .join('\n');

describe('what is not YAML of the language is refused with its place', () => {
  it.each([
    ['a:\n\t- b', 'a.yaml:2:1 YAML_SYNTAX'],
    ['a: 1\n b: 2', 'a.yaml:1:4 YAML_SYNTAX'],
    ['a: 1\n---\nb: 2', 'a.yaml:2:1 YAML_SYNTAX'],
    ['a: "b', 'a.yaml:1:6 YAML_SYNTAX'],
    [`b: {c: \${{ y }} }`, 'a.yaml:1:9 YAML_SYNTAX'],
    ['a: 1\na: 2', 'a.yaml:2:1 YAML_DUPLICATE_KEY'],
    ['a: !!js/function "x"', 'a.yaml:1:4 YAML_TAG'],
    ['a: !mine x', 'a.yaml:1:4 YAML_TAG'],
    [laughs, 'a.yaml:1:1 YAML_ALIAS_LIMIT'],
    ['a: *nowhere', 'a.yaml:1:1 YAML_ALIAS_LIMIT'],
    ['? [a]\n: b', 'a.yaml:1:3 YAML_KEY'],
    ['? \n: b', 'YAML_KEY'],
    ['__proto__: 1', 'a.yaml:1:1 KEY_FORBIDDEN'],
    ['a: { constructor: 1 }', 'a.yaml:1:6 KEY_FORBIDDEN'],
  ])('%j', (text, problem) => {
    expect((read(text) as string[])[0]).toContain(problem);
  });

  it.each([
    ['a:\n\t- b', 'Indent with spaces.'],
    ['a: 1\n---\nb: 2', 'Keep one document in a file: remove the line `---`.'],
    [`b: {c: \${{ y }} }`, `Inside \`{ }\` and \`[ ]\`, quote \`"\${{ … }}"\`.`],
    [
      `a: { b: \${{ x ? 'y' : 'z' }} }`,
      `Quote the text: \`"\${{ a ? b : c }}"\`; YAML takes \`: \` for the end of a key.`,
    ],
    ['a: [1 }', undefined],
    ['a: ]', undefined],
  ])('%j comes with the way out', (text, hint) => {
    const report = createReport();
    readYaml('a.yaml', text, report);
    expect(report.sorted()[0]?.hint).toBe(hint);
  });
});

it('of a broken file only the first mistake is told: the others follow from it', () => {
  expect(read(`a: \${{ x ? 'y' : 'z' }}\nb: "c\nd: [`)).toEqual(['a.yaml:1:4 YAML_SYNTAX']);
});

describe('places', () => {
  const file = read(
    'one:\n  - name: "a b"\n    list: [x, y]\n2: plain\nempty:\nfolded: >\n  some\n  text\n',
  ) as PackFile;

  it('a value is found by its path, keys that are numbers too', () => {
    expect(file.at(['one', 0, 'name'])).toBe('a b');
    expect(file.at(['2'])).toBe('plain');
    expect(file.at(['one', 5, 'name'])).toBeUndefined();
  });
  it.each([
    [['one', 0, 'name'], undefined, '2:11'],
    [['one', 0, 'name'], 0, '2:12'],
    [['one', 0, 'name'], 2, '2:14'],
    [['one', 0, 'list', 1], 0, '3:15'],
    [['2'], 3, '4:7'],
    [['folded'], 6, '6:9'],
    [['one', 0, 'nothing', 'deeper'], 0, '2:5'],
    [['one', 9], 0, '2:3'],
    [['2', 'deeper'], 0, '4:4'],
    [['empty'], 4, '5:7'],
    [[], 0, '1:1'],
  ])('the value at %j, character %s, stands at %s', (path, offset, place) => {
    const { line, column } = file.place(path, offset);
    expect(`${line}:${column}`).toBe(place);
  });
  it('a key without a value is its own place', () => {
    expect((read('{ a }') as PackFile).place(['a'])).toEqual({ file: 'a.yaml', line: 1, column: 3 });
  });
  it('a key stands before its value; without the key, the place is that of what surrounds it', () => {
    expect(file.keyPlace(['one', 0, 'list'])).toEqual({ file: 'a.yaml', line: 3, column: 5 });
    expect(file.keyPlace(['one', 0])).toEqual({ file: 'a.yaml', line: 2, column: 5 });
  });
  it('an empty file has no value and one place', () => {
    const empty = read('') as PackFile;
    expect([empty.value, empty.place(['a'])]).toEqual([null, { file: 'a.yaml', line: 1, column: 1 }]);
    expect(empty.at(['a'])).toBeUndefined();
  });
});

it('problems come sorted by place, each once, and no more than two hundred', () => {
  const report = createReport();
  for (const [file, line, column] of [
    ['b', 1, 1],
    ['a', 2, 1],
    ['a', 1, 9],
    ['a', 1, 9],
    ['a', 1, 2],
  ] as const) {
    report.add({ file, line, column }, 'X', 'x');
  }
  expect(report.sorted().map((problem) => problem.path)).toEqual(['a:1:2', 'a:1:9', 'a:2:1', 'b:1:1']);
  for (let line = 1; line < 500; line++) report.add({ file: 'c', line, column: 1 }, 'X', 'x');
  expect(report.sorted()).toHaveLength(200);
});

it('a large file is read bit by bit, so that who serves others can do so in between', () => {
  const text = `rules:\n${Array.from({ length: 2_000 }, (_, i) => `  - { name: rule ${i}, at: ${i} }\n`).join('')}`;
  const steps = readYamlInSteps('a.yaml', text, createReport());
  let bits = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) {
      expect(step.value?.value).toEqual((read(text) as PackFile).value);
      break;
    }
    bits += 1;
  }
  expect(bits).toBeGreaterThan(10);
});
