/** The people of the demo data, who share a password. */
export const DEMO_PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin'];
export const DEMO_PASSWORD = 'polyphony-demo';
