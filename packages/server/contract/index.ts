// The door of the contract suites: what an adapter of one's own is tested with.
export { type ApprovalStore, approvalsContract } from './approvals.ts';
export { blobsContract } from './blobs.ts';
export { type BusStore, busContract } from './bus.ts';
export type { ContractCase } from './case.ts';
export { type ChangeStore, changesContract } from './changes.ts';
export { countersContract } from './counters.ts';
export { type DescriptionStore, descriptionsContract } from './descriptions.ts';
export { type ExaminationStore, examinationsContract } from './examinations.ts';
export { type Fault, type FaultPlan, withFaults } from './faults.ts';
export { GEO_RECORDS, geoContract } from './geo.ts';
export { type ImagesStore, imagesContract } from './images.ts';
export { mediaContract } from './media.ts';
export { type MetadataStore, metadataContract } from './metadata.ts';
export { type PartialBlobStore, partialBlobsContract } from './partial-blobs.ts';
export { type ResumableStore, resumableContract } from './resumable.ts';
export { type ShareStore, sharesContract } from './shares.ts';
export { type TaskStore, tasksContract } from './tasks.ts';
export { type TemplatesStore, templatesContract } from './templates.ts';
