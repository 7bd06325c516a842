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
