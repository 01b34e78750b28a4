// Roles in folders against a model that walks up the tree, and that they only ever take away.
import {
  type AccessRule,
  accessScopes,
  type CanonicalPath,
  covers,
  coversTree,
  decide,
  type FolderScope,
  intersectScopes,
  isWithin,
  leadsTo,
  lowestRole,
  PERMISSIONS,
  parentOf,
  ROLES,
  type RoleId,
} from '@latchkey/policy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claims, facts, template } from './arbitraries.ts';
import { configureProperties, expectMet } from './property.ts';

configureProperties('role.property.test.ts');

const role = fc.constantFrom<RoleId>(0, 1, 2, 3, 4, 5, 6);
/** Few names and little depth, so that rules meet. */
const folder = fc
  .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}` as CanonicalPath);
const rules = fc.uniqueArray(fc.record<AccessRule>({ path: folder, role }), {
  maxLength: 8,
  selector: ({ path }) => path,
});
const scopes = fc.array(fc.oneof(fc.record<FolderScope>({ path: folder, deep: fc.boolean() })), { maxLength: 3 });

/** The role in a folder as its definition says: of the folder itself, else of the nearest folder above it that has a rule. */
function roleIn(given: readonly AccessRule[], path: CanonicalPath): RoleId {
  for (let at: CanonicalPath | undefined = path; at !== undefined; at = parentOf(at)) {
    const rule = given.find((one) => one.path === at);
    if (rule !== undefined) return rule.role;
  }
  return 6;
}

describe('the folders of a role', () => {
  test('are those whose nearest rule gives it', () => {
    fc.assert(
      fc.property(rules, role, folder, (given, needed, path) => {
        expect(covers(accessScopes(given, needed), path)).toBe(roleIn(given, path) >= needed);
      }),
    );
  });

  test('are whole trees exactly where no rule below gives less', () => {
    fc.assert(
      fc.property(rules, role, folder, (given, needed, path) => {
        const below = given.filter((rule) => isWithin(path, rule.path));
        const whole = roleIn(given, path) >= needed && below.every((rule) => rule.role >= needed);
        expect(coversTree(accessScopes(given, needed), path)).toBe(whole);
      }),
    );
  });

  test('have every folder above them as the way to them, and no other', () => {
    fc.assert(
      fc.property(rules, role, folder, (given, needed, path) => {
        const reached = accessScopes(given, needed);
        const open = given.some((rule) => rule.path !== path && isWithin(path, rule.path) && rule.role >= needed);
        if (!covers(reached, path)) expect(leadsTo(reached, path)).toBe(open);
      }),
    );
  });

  test('meet other scopes in exactly what both cover', () => {
    let met = 0;
    fc.assert(
      fc.property(rules, role, scopes, rules, folder, (given, needed, listed, others, path) => {
        const [reached, more] = [accessScopes(given, needed), accessScopes(others, needed)];
        const both = [listed, more].reduce<readonly FolderScope[]>(intersectScopes, reached);
        const isIn = covers(reached, path) && covers(listed, path) && covers(more, path);
        if (isIn) met += 1;
        expect(covers(both, path)).toBe(isIn);
      }),
    );
    expectMet(met, 10);
  });
});

describe('a role', () => {
  test('has all permissions of the one before it, and the last has every permission', () => {
    ROLES.forEach(({ id, permissions }, index) => {
      expect(id).toBe(index);
      expect(permissions).toEqual(expect.arrayContaining([...(ROLES[index - 1]?.permissions ?? [])]));
    });
    expect(ROLES.at(-1)?.permissions).toEqual(PERMISSIONS);
    for (const permission of PERMISSIONS) expect(ROLES[lowestRole([permission])]?.permissions).toContain(permission);
  });

  test('never allows what is refused without it, and takes from the same counters', () => {
    let met = 0;
    fc.assert(
      fc.property(template, claims, facts, rules, (live, key, request, access) => {
        const bound = decide(live, key, { ...request, access });
        const free = decide(live, key, request);
        if (!bound.allow) return;
        met += 1;
        expect(free.allow && free.charges).toEqual(bound.charges);
      }),
    );
    expectMet(met, 10);
  });
});
