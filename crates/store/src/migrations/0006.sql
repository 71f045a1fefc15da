-- Which request a request extends: an extension ends with what it extends.
ALTER TABLE requests ADD COLUMN extends TEXT;
CREATE INDEX requests_extensions ON requests (extends) WHERE extends IS NOT NULL;
