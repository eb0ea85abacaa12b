-- Which migrations have been applied. Not one itself: it is made before the first.
CREATE TABLE IF NOT EXISTS schema_version (
    version          INT          NOT NULL,
    name             VARCHAR(100) NOT NULL,
    -- SHA-256 of the file, in hexadecimal: an applied migration is never edited.
    checksum         CHAR(64)     NOT NULL,
    -- Functions that were built before this version cannot work with the schema any more; 0 where all can.
    oldest_functions INT          NOT NULL,
    -- Names the run that applies it, so that two runs at once do not apply it twice.
    claim            CHAR(36)     NOT NULL,
    -- Empty while it is being applied.
    applied_utc      DATETIME     NULL,
    PRIMARY KEY (version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
