-- one row per whole number from 0 to 9,999, to make series of days, weeks and months with
CREATE TABLE Numbers (
    -- the number
    number INTEGER PRIMARY KEY NOT NULL
);

with digits (digit) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))

select
    ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as number
from digits as ones
cross join digits as tens
cross join digits as hundreds
cross join digits as thousands
