-- Tables of the source `developer_survey`: answers of developers to a survey of the organisation's own.

-- one row per response: one person who answered
-- period: submitted_at, submitted_on
CREATE TABLE SurveyResponses (
    -- the response's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the day it was submitted, as written
    submitted_on DATE,
    -- when it was submitted, null when only the day is known
    submitted_at TIMESTAMP,
    -- the team of who answered
    team TEXT NULL,
    -- the role of who answered
    role TEXT NULL,
    -- number of questions answered
    answer_count INTEGER NULL
);

-- one row per response and question answered (a question left blank has none)
-- period: response_id
CREATE TABLE SurveyAnswers (
    -- the response
    response_id TEXT NOT NULL REFERENCES SurveyResponses (id),
    -- the question, as the column's heading in the file puts it
    question TEXT NOT NULL,
    -- the answer as written
    answer TEXT NOT NULL,
    -- the answer when it is a number, such as a rating from 1 to 5
    answer_number REAL NULL,
    PRIMARY KEY (response_id, question)
);
