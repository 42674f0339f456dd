"""One verb for each thing that people do. Every write to a schedule goes through here.

Each verb is keyword-only and takes who does it (`actor`) and when (`now`, aware UTC). It runs in
one transaction: the fact, the course's stored next dose, an audit entry. All or nothing.

`entry_key` names one opened form. The same form sent twice, by a double tap or the browser's back
button, does the thing once and answers with what the first one made.
"""

from .clinics import (
    UnableToChangeClinic,
    add_closure,
    change_rules,
    decides_for,
    remove_closure,
    set_check_interval,
)
from .corrected import Corrected
from .corrections import (
    CORRECTABLE,
    ChangedMeanwhile,
    UnableToCorrect,
    correct_infusion,
    foresee,
    void_infusion,
)
from .courses import (
    UnableToChangeCourse,
    choose_restart,
    end_for_good,
    note_previous_treatment,
    reopen_course,
    stop_course,
    switch_regimen,
)
from .elsewhere import Told, complete_history, record_elsewhere
from .holding import (
    HoldChangedMeanwhile,
    UnableToHold,
    change_hold,
    release_hold,
    start_hold,
    void_hold,
)
from .infusions import (
    Recorded,
    UnableToDecide,
    UnableToRecordInfusion,
    UnableToUndo,
    decide_partial,
    record_infusion,
    undo_infusion,
)
from .online import (
    Claimed,
    UnableToInvitePatient,
    claim_record,
    end_online_access,
    invite_patient,
    withdraw_invitation,
)
from .people import UnableToSavePatient, add_patient, change_patient
from .screening import UnableToRecordCheck, record_screening, void_screening
from .shared import UnableTo
from .short_infusion import UnableToAllow, allow_short_infusion
from .staffing import (
    UnableToChangeStaff,
    allow_codes_by_email,
    change_role,
    invite_staff,
    join_clinic,
    open_clinic,
    open_staff_account,
    remove_member,
    withdraw_staff_invitation,
)
from .visits import UnableToBook, book_visit, cancel_visit, move_visit

__all__ = [
    "CORRECTABLE",
    "ChangedMeanwhile",
    "Claimed",
    "Corrected",
    "HoldChangedMeanwhile",
    "Recorded",
    "Told",
    "UnableTo",
    "UnableToAllow",
    "UnableToBook",
    "UnableToChangeClinic",
    "UnableToChangeCourse",
    "UnableToChangeStaff",
    "UnableToCorrect",
    "UnableToDecide",
    "UnableToHold",
    "UnableToInvitePatient",
    "UnableToRecordCheck",
    "UnableToRecordInfusion",
    "UnableToSavePatient",
    "UnableToUndo",
    "add_closure",
    "add_patient",
    "allow_codes_by_email",
    "allow_short_infusion",
    "book_visit",
    "cancel_visit",
    "change_hold",
    "change_patient",
    "change_role",
    "change_rules",
    "choose_restart",
    "claim_record",
    "complete_history",
    "correct_infusion",
    "decide_partial",
    "decides_for",
    "end_for_good",
    "end_online_access",
    "foresee",
    "invite_patient",
    "invite_staff",
    "join_clinic",
    "move_visit",
    "note_previous_treatment",
    "open_clinic",
    "open_staff_account",
    "record_elsewhere",
    "record_infusion",
    "record_screening",
    "release_hold",
    "remove_closure",
    "remove_member",
    "reopen_course",
    "set_check_interval",
    "start_hold",
    "stop_course",
    "switch_regimen",
    "undo_infusion",
    "void_hold",
    "void_infusion",
    "void_screening",
    "withdraw_invitation",
    "withdraw_staff_invitation",
]
