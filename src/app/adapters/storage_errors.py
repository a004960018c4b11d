"""The failures that every storage knows: one kind, one code and one message each, whichever database it was."""

from app.context import is_out_of_time
from app.domain.errors import DeadlinePassed, Refused, TransactionAborted, Unavailable
from app.domain.model.posts import PostChanged, PostNotFound, TitleTaken


class StorageTimeout(Unavailable):
    """The storage did not answer in the time that the call had."""

    code = "STORAGE_TIMEOUT"


class StorageRefused(Refused):
    """The storage answers and lets nobody in: a wrong password, no such database. Trying again changes nothing."""

    code = "STORAGE_REFUSED"


class Failures:
    """What went wrong in one pool, counted by the error's code; each kind is there from the start, with 0."""

    def __init__(self) -> None:
        self.counts = {kind.code: 0 for kind in (Unavailable, StorageTimeout, StorageRefused, TransactionAborted)}

    def note(self, error: Unavailable) -> None:
        """Count it, unless it was only the caller's own time that was over."""
        if not isinstance(error, DeadlinePassed):
            self.counts[error.code] = self.counts.get(error.code, 0) + 1


def refused() -> StorageRefused:
    """For a storage that lets nobody in; who calls can do nothing about it."""
    return StorageRefused("The storage cannot be used now. Try again later.")


def too_slow() -> StorageTimeout | DeadlinePassed:
    """For a call whose time is over: its own, which tells of the storage, or the request's, which tells nothing."""
    if is_out_of_time():
        return DeadlinePassed("This request's time is over. Try again later, or give it more.")
    return StorageTimeout("The storage took too long. Try again later.")


def unusable() -> Unavailable:
    """For a storage that doesn't answer, or not as it should."""
    return Unavailable("The storage cannot be used now. Try again later.")


def aborted() -> TransactionAborted:
    """For a unit of work that lost against another one; it may be repeated."""
    return TransactionAborted("The storage is busy. Try again later.")


def title_taken() -> TitleTaken:
    """For a second post of one title."""
    return TitleTaken("Another post has this title: choose another one.", field_name="title")


def no_post(post_id: int) -> PostNotFound:
    """For a post that is not there."""
    return PostNotFound(f"There is no post {post_id}.")


def post_gone() -> PostNotFound:
    """For a post that was removed while something was being attached to it."""
    return PostNotFound("The post does not exist any more.")


def post_changed() -> PostChanged:
    """For a post that has another version than the caller knows."""
    return PostChanged("The post was changed meanwhile: read it again.")
