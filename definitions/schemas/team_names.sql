-- Lists that an organisation keeps by hand in `team_names.yaml`, `- {team: …, name: …}` a line.

-- one row per name under which some tool knows a team, where that is not the team's own
CREATE TABLE TeamNames (
    -- the name in the tool
    name TEXT PRIMARY KEY NOT NULL,
    -- the team, as reports should call it
    team TEXT NOT NULL
);
