/** A host that nothing resolves. DNS, where no part of a name is so long, is not asked: tests stay on this machine. */
export const nowhere = `clinica.${"x".repeat(64)}`;
