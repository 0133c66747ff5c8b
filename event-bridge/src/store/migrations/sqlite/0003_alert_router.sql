-- Which router an alert is about, as its labels say: asked for in the words of every engine.
ALTER TABLE alerts ADD COLUMN router TEXT;
UPDATE alerts SET router = labels ->> '$.router';
