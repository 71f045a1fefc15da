-- When others come to stand in for those who are asked; NULL once that was told, and where nobody does.
ALTER TABLE requests ADD COLUMN escalate INTEGER;
CREATE INDEX requests_escalate ON requests (escalate) WHERE escalate IS NOT NULL;
