-- Other labels, values that were said, titles and warnings of a selling point, as JSON.

ALTER TABLE selling_points ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
