// The shapes that the service's HTTP API speaks, by name, from the types generated from its OpenAPI document
// (`npm run gen`). Media times are seconds in a recording (or a clip), wall times are RFC 3339 text.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Change = Schemas['Change'];
export type ClipCard = Schemas['ClipCard'];
export type ClipDetail = Schemas['ClipDetail'];
export type ClipPage = Schemas['ClipPage'];
export type ErrorBody = Schemas['ErrorBody'];
export type Gap = Schemas['Gap'];
export type Health = Schemas['Health'];
export type LabelName = Schemas['LabelName'];
export type LabelShare = Schemas['LabelShare'];
export type Language = Schemas['Language'];
export type NewSource = Schemas['NewSource'];
export type PostState = Schemas['PostState'];
export type PostSummary = Schemas['PostSummary'];
export type Product = Schemas['Product'];
export type RecordingView = Schemas['RecordingView'];
export type SourceCreated = Schemas['SourceCreated'];
export type SourceKind = Schemas['SourceKind'];
export type SourceView = Schemas['SourceView'];
export type Stage = Schemas['Stage'];
export type Stats = Schemas['Stats'];
export type TranscriptLine = Schemas['TranscriptLine'];
export type Word = Schemas['Word'];
