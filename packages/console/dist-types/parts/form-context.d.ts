import type { Draft } from '../draft.ts';
/** Values and messages of the draft under edit. */
export declare const DraftProvider: import("react").FC<import("@mantine/form").FormProviderProps<import("@mantine/form").UseFormReturnType<Draft, Draft, any>>>, useDraft: () => import("@mantine/form").UseFormReturnType<Draft, Draft, any>, useDraftForm: import("@mantine/form").UseForm<Draft, Draft, any>;
//# sourceMappingURL=form-context.d.ts.map