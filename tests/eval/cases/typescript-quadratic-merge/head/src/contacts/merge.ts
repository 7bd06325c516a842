export interface Contact {
  id: string;
  name: string;
  phone: string;
  email?: string;
}

/** Digits only, with the country code. */
export function normalized(phone: string): string {
  const digits = phone.replace(/[^\d+]/g, "");
  return digits.startsWith("00") ? `+${digits.slice(2)}` : digits;
}

export function byName(contacts: readonly Contact[]): Contact[] {
  return [...contacts].sort((a, b) => a.name.localeCompare(b.name));
}

/** Known contacts, completed by imported ones of the same number; new ones at the end. */
export function merge(known: readonly Contact[], imported: readonly Contact[]): Contact[] {
  const merged = known.map((contact) => ({ ...contact }));
  for (const entry of imported) {
    const match = merged.find((contact) => normalized(contact.phone) === normalized(entry.phone));
    if (match) {
      match.email ??= entry.email;
    } else {
      merged.push({ ...entry });
    }
  }
  return merged;
}
