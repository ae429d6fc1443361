"""Channel accounts: connected identities (WhatsApp numbers) with their encrypted credentials."""
