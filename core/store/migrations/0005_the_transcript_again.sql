-- Texts that a guard dropped belong to the revision in whose making they were dropped.

ALTER TABLE dropped_texts ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
