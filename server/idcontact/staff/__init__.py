"""Staff: who may log in, their sessions, and the audit trail of what they were shown.

`Staff` in `part.py` builds the whole; other parts use `StaffSessions`, `StaffMember` and `AuditTrail`.
"""
