DROP TABLE segue_change_marks;
DROP TABLE segue_changes;
DROP TABLE segue_not_before;
DROP TABLE segue_blacklist;
DROP TABLE segue_sessions;
DROP TABLE segue_keys;
DROP TABLE segue_meta;
