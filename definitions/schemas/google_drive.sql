-- Tables of the source `google_drive`. Field meanings: Google Drive API v3,
-- https://developers.google.com/workspace/drive/api/reference/rest/v3/files.

-- one row per Google Doc in the folder of postmortems
CREATE TABLE GoogleDriveDocuments (
    -- the document's id
    id TEXT PRIMARY KEY NOT NULL,
    -- its name
    name TEXT,
    -- where a browser opens it
    link TEXT,
    -- when it was made
    created_at TIMESTAMP,
    -- when anybody last changed it
    modified_at TIMESTAMP
);

-- one row per Google Doc whose text was fetched
CREATE TABLE GoogleDriveTexts (
    -- the document
    document_id TEXT PRIMARY KEY NOT NULL REFERENCES GoogleDriveDocuments (id),
    -- its text as Markdown
    text TEXT
);
