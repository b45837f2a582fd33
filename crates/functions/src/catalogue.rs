//! What each function is for, from which the documentation is made.

/// One SQL function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The heading it stands under.
    pub group: &'static str,
    /// Its name in SQL.
    pub name: &'static str,
    /// Its arguments; those in brackets may be left out.
    pub arguments: &'static str,
    /// What it gives, in one line.
    pub doc: &'static str,
    /// An SQL expression that uses it.
    pub example: &'static str,
    /// What the example gives, as text; a BOOLEAN as 1 or 0.
    pub result: &'static str,
}

macro_rules! functions {
    ($($group:literal { $($name:literal ($arguments:literal) $doc:literal $example:literal => $result:literal;)* })*) => {
        /// Every function that [`register`](crate::register) adds, by heading and name.
        pub const FUNCTIONS: &[Function] = &[$($(Function {
            group: $group,
            name: $name,
            arguments: $arguments,
            doc: $doc,
            example: $example,
            result: $result,
        },)*)*];
    };
}

functions! {
    "Dates and times" {
        "add_months" ("date, months") "the date so many months later, on the month's last day if it is shorter"
            "add_months('2026-01-31', 1)" => "2026-02-28";
        "date_add" ("date, days") "the date so many days later"
            "date_add('2026-02-27', 2)" => "2026-03-01";
        "date_format" ("time, pattern") "text in a pattern of `yyyy yy QQQ Q MMMM MMM MM M dd d EEEE EEE HH H mm m ss s`, signs, and text in single quotes; other letters are an error"
            "date_format('2026-11-23T20:05:00Z', 'yyyy-QQQ')" => "2026-Q4";
        "date_sub" ("date, days") "the date so many days earlier"
            "date_sub('2026-03-01', 1)" => "2026-02-28";
        "date_trunc" ("unit, time") "the start of the `year`, `quarter`, `month`, `week` (Monday), `day`, `hour`, `minute` or `second`, as a timestamp; NULL for another unit"
            "date_trunc('month', '2026-11-23T20:05:00Z')" => "2026-11-01T00:00:00Z";
        "datediff" ("end, start") "days from start to end, whatever the hour"
            "datediff('2026-03-01', '2026-02-27')" => "2";
        "day" ("date") "day of the month"
            "day('2026-11-23')" => "23";
        "dayname" ("date") "day of the week in three English letters"
            "dayname('2026-11-23')" => "Mon";
        "dayofmonth" ("date") "day of the month"
            "dayofmonth('2026-11-23')" => "23";
        "dayofweek" ("date") "day of the week, 1 for Sunday to 7 for Saturday"
            "dayofweek('2026-11-23')" => "2";
        "dayofyear" ("date") "day of the year"
            "dayofyear('2026-12-31')" => "365";
        "from_unixtime" ("seconds") "text `2026-11-23 20:05:00` of the seconds since 1970; `timestamp_seconds` gives a timestamp"
            "from_unixtime(0)" => "1970-01-01 00:00:00";
        "from_utc_timestamp" ("time, zone") "what a clock in the time zone shows at that moment; NULL if there is no such zone, where Spark ends the query"
            "from_utc_timestamp('2026-07-01T12:00:00Z', 'Europe/Berlin')" => "2026-07-01T14:00:00Z";
        "hour" ("time") "hour of the day, in UTC"
            "hour('2026-11-23T20:05:00Z')" => "20";
        "last_day" ("date") "last day of the month"
            "last_day('2028-02-03')" => "2028-02-29";
        "make_date" ("year, month, day") "the date of three numbers"
            "make_date(2028, 2, 29)" => "2028-02-29";
        "minute" ("time") "minute of the hour"
            "minute('2026-11-23T20:05:00Z')" => "5";
        "month" ("date") "month of the year"
            "month('2026-11-23')" => "11";
        "monthname" ("date") "month in three English letters"
            "monthname('2026-11-23')" => "Nov";
        "months_between" ("end, start") "months from start to end; an odd rest counts as a share of 31 days"
            "months_between('2026-03-31', '2026-02-28')" => "1.0";
        "quarter" ("date") "quarter of the year"
            "quarter('2026-11-23')" => "4";
        "second" ("time") "second of the minute"
            "second('2026-11-23T20:05:09Z')" => "9";
        "timestamp_micros" ("microseconds") "the timestamp of the microseconds since 1970, cut to the second"
            "timestamp_micros(1500000)" => "1970-01-01T00:00:01Z";
        "timestamp_millis" ("milliseconds") "the timestamp of the milliseconds since 1970, cut to the second"
            "timestamp_millis(1500)" => "1970-01-01T00:00:01Z";
        "timestamp_seconds" ("seconds") "the timestamp of the seconds since 1970"
            "timestamp_seconds(86400)" => "1970-01-02T00:00:00Z";
        "to_date" ("time") "the date of a timestamp, or of text"
            "to_date('2026-11-23T20:05:00Z')" => "2026-11-23";
        "to_timestamp" ("text") "the timestamp of ISO 8601 text, in UTC if it names no zone"
            "to_timestamp('2026-11-23 21:05:00+01:00')" => "2026-11-23T20:05:00Z";
        "to_utc_timestamp" ("time, zone") "the moment at which a clock in the time zone shows that time; a time it skips is moved on, of a time it shows twice the first is meant"
            "to_utc_timestamp('2026-07-01T14:00:00Z', 'Europe/Berlin')" => "2026-07-01T12:00:00Z";
        "trunc" ("date, unit") "first day of the `year`, `quarter`, `month` or `week` (Monday), as a date; NULL for another unit"
            "trunc('2026-11-23', 'quarter')" => "2026-10-01";
        "try_to_date" ("text") "as `to_date`, but NULL for malformed text"
            "try_to_date('soon')" => "NULL";
        "try_to_timestamp" ("text") "as `to_timestamp`, but NULL for malformed text"
            "try_to_timestamp('soon')" => "NULL";
        "unix_seconds" ("time") "seconds since 1970"
            "unix_seconds(to_timestamp('1970-01-02T00:00:00Z'))" => "86400";
        "unix_timestamp" ("time") "seconds since 1970; in Spark the argument must be a timestamp, not text"
            "unix_timestamp(to_timestamp('1970-01-02T00:00:00Z'))" => "86400";
        "weekday" ("date") "day of the week, 0 for Monday to 6 for Sunday"
            "weekday('2026-11-23')" => "0";
        "weekofyear" ("date") "week of the year by ISO 8601"
            "weekofyear('2027-01-01')" => "53";
        "year" ("date") "year"
            "year('2026-11-23')" => "2026";
    }
    "Numbers" {
        "ceil" ("x") "least whole number that is not below x"
            "ceil(cast(-1.5 as double))" => "-1";
        "exp" ("x") "e to the power of x"
            "exp(0)" => "1.0";
        "floor" ("x") "greatest whole number that is not above x"
            "floor(cast(-1.5 as double))" => "-2";
        "ln" ("x") "natural logarithm; NULL unless x is above 0"
            "ln(1)" => "0.0";
        "log" ("[base, ]x") "logarithm, natural without a base; NULL unless both are above 0"
            "log(2, 8)" => "3.0";
        "log10" ("x") "logarithm to base 10; NULL unless x is above 0"
            "log10(1000)" => "3.0";
        "log2" ("x") "logarithm to base 2; NULL unless x is above 0"
            "log2(8)" => "3.0";
        "mod" ("x, y") "remainder of x / y, with the sign of x; an error for y = 0"
            "mod(-7, 3)" => "-1";
        "pmod" ("x, y") "remainder of x / y, 0 or above for a y above 0; an error for y = 0"
            "pmod(-7, 3)" => "2";
        "pow" ("x, y") "x to the power of y"
            "pow(2, 10)" => "1024.0";
        "power" ("x, y") "x to the power of y"
            "power(4, 0.5)" => "2.0";
        "round" ("x[, digits]") "x rounded half away from zero, at the decimals that it is written with; a whole number stays one"
            "round(cast(2.675 as double), 2)" => "2.68";
        "sign" ("x") "-1.0, 0.0 or 1.0"
            "sign(-3)" => "-1.0";
        "sqrt" ("x") "square root; NULL for a negative x (Spark: NaN)"
            "sqrt(9)" => "3.0";
        "try_divide" ("x, y") "x / y, never cut to a whole number; NULL for y = 0"
            "try_divide(1, 4)" => "0.25";
        "width_bucket" ("x, low, high, buckets") "number of the equally wide bucket that x falls in; 0 below the first, buckets + 1 above the last"
            "width_bucket(5.3, 0.0, 10.0, 5)" => "3";
    }
    "Text" {
        "char_length" ("text") "number of characters"
            "char_length('Zürich')" => "6";
        "concat" ("text, …") "the texts joined; NULL if one is NULL"
            "concat('P', 1)" => "P1";
        "contains" ("text, part") "whether the part occurs"
            "contains('database', 'base')" => "1";
        "endswith" ("text, end") "whether the text ends so"
            "endswith('database', 'base')" => "1";
        "left" ("text, length") "first characters"
            "left('database', 4)" => "data";
        "levenshtein" ("text, text") "least number of characters to change, add or take away to make one the other"
            "levenshtein('kitten', 'sitting')" => "3";
        "locate" ("part, text[, from]") "where the part first occurs, counted from 1; 0 if nowhere"
            "locate('a', 'database', 3)" => "4";
        "lower" ("text") "lower case, of all scripts"
            "lower('ÄPFEL')" => "äpfel";
        "lpad" ("text, length[, filler]") "filled up on the left, or cut, to the length"
            "lpad('7', 3, '0')" => "007";
        "position" ("part, text[, from]") "as `locate`"
            "position('b', 'database')" => "5";
        "regexp" ("pattern, text") "written `text regexp pattern`: whether the expression matches somewhere; to call it as a function use `regexp_like`"
            "'timeout after 30 s' regexp '[0-9]+ s$'" => "1";
        "regexp_count" ("text, pattern") "number of matches"
            "regexp_count('a1b22', '[0-9]+')" => "2";
        "regexp_extract" ("text, pattern[, group]") "what the group (1 if not said, 0 for the whole) of the first match holds; empty if there is none"
            "regexp_extract('pod web-17', '([a-z]+)-([0-9]+)', 2)" => "17";
        "regexp_like" ("text, pattern") "whether the expression matches somewhere"
            "regexp_like('web-17', '^web-[0-9]+$')" => "1";
        "regexp_replace" ("text, pattern, by") "every match replaced; `$1` stands for a group"
            "regexp_replace('web-17 is down', '[0-9]+', '#')" => "web-# is down";
        "repeat" ("text, times") "the text so many times"
            "repeat('ab', 3)" => "ababab";
        "reverse" ("text") "the characters from last to first"
            "reverse('abc')" => "cba";
        "right" ("text, length") "last characters"
            "right('database', 4)" => "base";
        "rlike" ("text, pattern") "as `regexp_like`"
            "rlike('web-17', 'web')" => "1";
        "rpad" ("text, length[, filler]") "filled up on the right, or cut, to the length"
            "rpad('ab', 4, '.')" => "ab..";
        "split_part" ("text, delimiter, number") "the part of that number, from the end if negative; empty if there is none"
            "split_part('a.b.c', '.', -1)" => "c";
        "startswith" ("text, start") "whether the text starts so"
            "startswith('database', 'data')" => "1";
        "substr" ("text, position[, length]") "as `substring`"
            "substr('database', 5)" => "base";
        "substring" ("text, position[, length]") "characters from the position on, counted from 1, or from the end if negative"
            "substring('database', -4, 2)" => "ba";
        "translate" ("text, from, to") "each character of `from` becomes the one at its place in `to`, or nothing"
            "translate('a-b_c', '-_', '.')" => "a.bc";
        "upper" ("text") "upper case, of all scripts"
            "upper('straße')" => "STRASSE";
    }
    "Choices" {
        "greatest" ("x, y, …") "the greatest; NULL is skipped"
            "greatest(1, NULL, 3)" => "3";
        "if" ("condition, then, else") "the second if the first holds, else the third"
            "if(2 > 1, 'yes', 'no')" => "yes";
        "least" ("x, y, …") "the least; NULL is skipped"
            "least(1, NULL, 3)" => "1";
        "nvl" ("x, y") "y where x is NULL"
            "nvl(NULL, 'none')" => "none";
        "nvl2" ("x, y, z") "y where x is not NULL, else z"
            "nvl2(NULL, 'some', 'none')" => "none";
    }
    "Aggregates" {
        "any" ("condition") "whether it holds in any row"
            "(with t(x) as (values (1), (5)) select any(x > 4) from t)" => "1";
        "bool_and" ("condition") "whether it holds in every row"
            "(with t(x) as (values (1), (5)) select bool_and(x > 4) from t)" => "0";
        "bool_or" ("condition") "whether it holds in any row"
            "(with t(x) as (values (1), (5)) select bool_or(x > 4) from t)" => "1";
        "corr" ("x, y") "Pearson's correlation"
            "(with t(x, y) as (values (1, 2), (2, 4), (3, 6)) select corr(x, y) from t)" => "1.0";
        "count_if" ("condition") "number of rows in which it holds"
            "(with t(x) as (values (1), (5), (7)) select count_if(x > 4) from t)" => "2";
        "covar_pop" ("x, y") "covariance of the population"
            "(with t(x, y) as (values (1, 2), (3, 6)) select covar_pop(x, y) from t)" => "2.0";
        "covar_samp" ("x, y") "covariance of a sample"
            "(with t(x, y) as (values (1, 2), (3, 6)) select covar_samp(x, y) from t)" => "4.0";
        "every" ("condition") "whether it holds in every row"
            "(with t(x) as (values (1), (5)) select every(x > 0) from t)" => "1";
        "kurtosis" ("x") "excess kurtosis of the population"
            "(with t(x) as (values (1), (2), (3)) select kurtosis(x) from t)" => "-1.5";
        "max_by" ("x, y") "x of the row with the greatest y; which of several such rows is not certain; not as a window function"
            "(with t(x, y) as (values ('a', 1), ('b', 3)) select max_by(x, y) from t)" => "b";
        "median" ("x") "the middle value, or the mean of the two middle ones"
            "(with t(x) as (values (1), (2), (10), (20)) select median(x) from t)" => "6.0";
        "min_by" ("x, y") "x of the row with the least y; which of several such rows is not certain; not as a window function"
            "(with t(x, y) as (values ('a', 1), ('b', 3)) select min_by(x, y) from t)" => "a";
        "mode" ("x, true") "the most frequent value; of several the lowest"
            "(with t(x) as (values (3), (1), (1), (3), (2)) select mode(x, true) from t)" => "1";
        "percentile" ("x, share") "the value below which that share (0 to 1) lies, exact, on a straight line between neighbours"
            "(with t(x) as (values (1), (2), (10)) select percentile(x, 0.75) from t)" => "6.0";
        "regr_intercept" ("y, x") "where the least-squares line meets x = 0"
            "(with t(x, y) as (values (1, 3), (2, 5)) select regr_intercept(y, x) from t)" => "1.0";
        "regr_slope" ("y, x") "slope of the least-squares line"
            "(with t(x, y) as (values (1, 3), (2, 5)) select regr_slope(y, x) from t)" => "2.0";
        "skewness" ("x") "skewness of the population"
            "(with t(x) as (values (1), (2), (3)) select skewness(x) from t)" => "0.0";
        "some" ("condition") "whether it holds in any row"
            "(with t(x) as (values (1), (5)) select some(x > 9) from t)" => "0";
        "stddev" ("x") "standard deviation of a sample"
            "(with t(x) as (values (2), (4), (6)) select stddev(x) from t)" => "2.0";
        "stddev_pop" ("x") "standard deviation of the population"
            "(with t(x) as (values (2), (4)) select stddev_pop(x) from t)" => "1.0";
        "stddev_samp" ("x") "standard deviation of a sample"
            "(with t(x) as (values (2), (4), (6)) select stddev_samp(x) from t)" => "2.0";
        "var_pop" ("x") "variance of the population"
            "(with t(x) as (values (2), (4)) select var_pop(x) from t)" => "1.0";
        "var_samp" ("x") "variance of a sample"
            "(with t(x) as (values (2), (4), (6)) select var_samp(x) from t)" => "4.0";
        "variance" ("x") "variance of a sample"
            "(with t(x) as (values (2), (4), (6)) select variance(x) from t)" => "4.0";
    }
}
