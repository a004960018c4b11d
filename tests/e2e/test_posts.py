"""Posts, through the whole service."""

from typing import Any

import pytest

from tests.e2e.service import Client

POSTS = "/api/v1/posts"


def a_body(title: str = "A title", **other: Any) -> dict[str, Any]:
    return {"title": title, "content": "Some content.", **other}


async def publish(client: Client, title: str = "A title", **other: Any) -> dict[str, Any]:
    answer = await client.post(POSTS, a_body(title, **other))
    assert answer.status == 201
    result: dict[str, Any] = answer.json["result"]
    return result


async def test_publishing_answers_with_the_post_where_it_is_and_its_etag(writer: Client) -> None:
    features = [{"feature_name": "likes"}, {"feature_name": "polls", "is_active": False}]
    answer = await writer.post(POSTS, a_body(additional_data={"a": 1.5}, features=features))
    result = answer.json["result"]
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/posts/{result['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert answer.json["success"] is True
    assert [(each["feature_name"], each["is_active"]) for each in result["features"]] == [
        ("likes", True),
        ("polls", False),
    ]
    assert {key: result[key] for key in ("title", "content", "additional_data", "version")} == {
        "title": "A title",
        "content": "Some content.",
        "additional_data": {"a": 1.5},
        "version": 1,
    }


async def test_a_post_is_shown_with_its_active_features(writer: Client) -> None:
    post = await publish(writer, features=[{"feature_name": "on"}, {"feature_name": "off", "is_active": False}])
    answer = await writer.get(f"{POSTS}/{post['id']}")
    assert [each["feature_name"] for each in answer.json["result"]["features"]] == ["on"]
    everything = await writer.get(f"{POSTS}/{post['id']}?include_inactive=true")
    assert everything.json["result"] == post


async def test_a_missing_post_is_not_found(anonymous: Client) -> None:
    answer = await anonymous.get(f"{POSTS}/4711")
    assert (answer.status, answer.code) == (404, "POST_NOT_FOUND")


@pytest.mark.parametrize("id_", ["abc", "-1", "1.5", "%D9%A1", "0x1", "99999999999999999999", "1%00"])
async def test_what_is_no_id_is_no_path(anonymous: Client, id_: str) -> None:
    answer = await anonymous.get(f"{POSTS}/{id_}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


async def test_an_id_over_64_bits_is_refused(anonymous: Client) -> None:
    answer = await anonymous.get(f"{POSTS}/9999999999999999999")
    assert (answer.status, answer.fields) == (422, {"post_id": "WRONG_TYPE"})


async def test_a_taken_title_is_a_conflict_that_names_the_field(writer: Client) -> None:
    await publish(writer)
    answer = await writer.post(POSTS, a_body())
    assert (answer.status, answer.code, answer.fields) == (409, "TITLE_TAKEN", {"title": "TITLE_TAKEN"})


async def test_an_edit_replaces_the_post_and_changes_its_etag(writer: Client) -> None:
    post = await publish(writer, features=[{"feature_name": "old"}])
    answer = await writer.put(f"{POSTS}/{post['id']}", a_body("New", features=[{"feature_name": "new"}]), etag='"1"')
    assert (answer.status, answer.headers["ETag"]) == (200, '"2"')
    shown = await writer.get(f"{POSTS}/{post['id']}")
    assert shown.json["result"] == answer.json["result"]
    assert [each["feature_name"] for each in shown.json["result"]["features"]] == ["new"]


async def test_an_edit_without_if_match_is_refused(writer: Client) -> None:
    post = await publish(writer)
    answer = await writer.put(f"{POSTS}/{post['id']}", a_body("New"))
    assert (answer.status, answer.code) == (428, "PRECONDITION_REQUIRED")


async def test_an_edit_of_an_old_version_is_refused(writer: Client) -> None:
    post = await publish(writer)
    await writer.put(f"{POSTS}/{post['id']}", a_body("New"), etag='"1"')
    answer = await writer.put(f"{POSTS}/{post['id']}", a_body("Newer"), etag='"1"')
    assert (answer.status, answer.code) == (412, "POST_CHANGED")


@pytest.mark.parametrize("etag", ["1", '"one"', 'W/"1"', '"1", "2"', '"99999999999999999999"', ""])
async def test_an_if_match_that_is_no_etag_of_ours_is_refused(writer: Client, etag: str) -> None:
    post = await publish(writer)
    answer = await writer.put(f"{POSTS}/{post['id']}", a_body("New"), etag=etag)
    assert (answer.status, answer.fields) == (400, {"If-Match": "INVALID_IF_MATCH"})


async def test_a_star_edits_whichever_version_there_is(writer: Client) -> None:
    post = await publish(writer)
    assert (await writer.put(f"{POSTS}/{post['id']}", a_body("New"), etag="*")).status == 200
    assert (await writer.put(f"{POSTS}/4711", a_body("Other"), etag="*")).status == 404


async def test_a_removed_post_is_gone(writer: Client) -> None:
    post = await publish(writer)
    answer = await writer.delete(f"{POSTS}/{post['id']}")
    assert (answer.status, answer.body) == (204, b"")
    assert (await writer.get(f"{POSTS}/{post['id']}")).status == 404


async def test_a_removal_may_insist_on_a_version(writer: Client) -> None:
    post = await publish(writer)
    assert (await writer.delete(f"{POSTS}/{post['id']}", etag='"2"')).status == 412
    assert (await writer.delete(f"{POSTS}/{post['id']}", etag='"1"')).status == 204


async def test_who_has_the_post_already_is_told_so(writer: Client) -> None:
    post = await publish(writer)
    path = f"{POSTS}/{post['id']}"
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = await writer.get(path, headers={"If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", '"1"')
    assert (await writer.get(path, headers={"If-None-Match": '"2"'})).status == 200


async def test_head_answers_like_get_without_a_body(writer: Client) -> None:
    post = await publish(writer)
    got = await writer.get(f"{POSTS}/{post['id']}")
    head = await writer.send("HEAD", f"{POSTS}/{post['id']}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


async def test_posts_are_listed_newest_first_with_their_total(writer: Client) -> None:
    ids = [(await publish(writer, f"Number {n}"))["id"] for n in range(3)]
    answer = await writer.get(f"{POSTS}?limit=2")
    assert [post["id"] for post in answer.json["result"]] == [ids[2], ids[1]]
    pagination = answer.json["pagination"]
    assert {key: pagination[key] for key in ("limit", "offset", "total")} == {"limit": 2, "offset": 0, "total": 3}


async def test_links_lead_through_the_pages_and_keep_the_query(writer: Client) -> None:
    for number in range(5):
        await publish(writer, f"Number {number}")
    answer = await writer.get(f"{POSTS}?limit=2&offset=2&title=Number&sort=title")
    path = "/api/v1/posts?title=Number&sort=title&limit=2"
    assert answer.headers["Link"] == (
        f'<{path}&offset=0>; rel="first", <{path}&offset=0>; rel="prev", '
        f'<{path}&offset=4>; rel="next", <{path}&offset=4>; rel="last"'
    )


async def test_cursors_lead_through_the_whole_list(writer: Client) -> None:
    ids = [(await publish(writer, f"Number {n}"))["id"] for n in range(5)]
    answer = await writer.get(f"{POSTS}?limit=2")
    seen = [post["id"] for post in answer.json["result"]]
    while cursor := answer.json["pagination"]["next_cursor"]:
        answer = await writer.get(f"{POSTS}?limit=2&cursor={cursor}")
        seen += [post["id"] for post in answer.json["result"]]
    assert seen == ids[::-1]
    assert answer.json["pagination"] == {"limit": 2, "offset": None, "total": None, "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "status", "fields"),
    [
        ("cursor=nonsense", 422, {"cursor": "INVALID_CURSOR"}),
        ("cursor=", 422, {"cursor": "INVALID_CURSOR"}),
        ("cursor=bnVsbA", 422, {"cursor": "INVALID_CURSOR"}),
        ("limit=0", 422, {"limit": "TOO_SMALL"}),
        ("limit=101", 422, {"limit": "TOO_LARGE"}),
        ("offset=-1", 422, {"offset": "TOO_SMALL"}),
        ("limit=1e3&offset=%D9%A1", 422, {"limit": "WRONG_TYPE", "offset": "WRONG_TYPE"}),
        ("sort=content", 422, {"sort": "NOT_A_CHOICE"}),
        ("limit=1&limit=2", 422, {"limit": "DUPLICATE"}),
        (
            "limit=0&offset=-1&foo=1&limit=3&limit=4",
            422,
            {"limit": "TOO_SMALL", "offset": "TOO_SMALL", "foo": "UNKNOWN_FIELD"},
        ),
        ("title=%ff&limit=1", 422, {"title": "NOT_UTF8"}),
        ("sort_dir=", 422, {"sort_dir": "NOT_A_CHOICE"}),
        ("title=", 422, {"title": "TOO_SHORT"}),
        ("title=%00", 422, {"title": "INVALID_TEXT"}),
        ("colour=red", 422, {"colour": "UNKNOWN_FIELD"}),
        ("offset=9223372036854775808", 422, {"offset": "WRONG_TYPE"}),
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused_field_by_field(
    anonymous: Client, query: str, status: int, fields: dict[str | None, str]
) -> None:
    answer = await anonymous.get(f"{POSTS}?{query}")
    assert (answer.status, answer.fields) == (status, fields)


async def test_a_cursor_of_another_order_is_refused(writer: Client) -> None:
    for number in range(2):
        await publish(writer, f"Number {number}")
    cursor = (await writer.get(f"{POSTS}?limit=1")).json["pagination"]["next_cursor"]
    answer = await writer.get(f"{POSTS}?limit=1&sort=title&cursor={cursor}")
    assert (answer.status, answer.code) == (422, "INVALID_CURSOR")


async def test_a_cursor_and_an_offset_do_not_go_together(writer: Client) -> None:
    for number in range(2):
        await publish(writer, f"Number {number}")
    cursor = (await writer.get(f"{POSTS}?limit=1")).json["pagination"]["next_cursor"]
    answer = await writer.get(f"{POSTS}?offset=1&cursor={cursor}")
    assert (answer.status, answer.fields) == (422, {"offset": "CURSOR_WITH_OFFSET"})


async def test_all_faults_of_path_query_headers_and_body_are_told_at_once(writer: Client) -> None:
    body = {"title": "", "content": 1, "features": [{"feature_name": "x" * 21}, {"is_active": "yes"}], "extra": None}
    answer = await writer.put(f"{POSTS}/9999999999999999999?x=1", body, etag='"1"')
    assert answer.status == 422
    assert answer.fields == {
        "post_id": "WRONG_TYPE",
        "x": "UNKNOWN_FIELD",
        "title": "TOO_SHORT",
        "content": "WRONG_TYPE",
        "features[0].feature_name": "TOO_LONG",
        "features[1].feature_name": "MISSING",
        "features[1].is_active": "WRONG_TYPE",
        "extra": "UNKNOWN_FIELD",
    }


async def test_features_of_all_posts_are_listed(writer: Client) -> None:
    await publish(writer, "One", features=[{"feature_name": "a"}, {"feature_name": "b", "is_active": False}])
    await publish(writer, "Two", features=[{"feature_name": "c"}])
    answer = await writer.get("/api/v1/features")
    assert [each["feature_name"] for each in answer.json["result"]] == ["a", "c"]
    everything = await writer.get("/api/v1/features?include_inactive=1&limit=1&offset=1")
    assert [each["feature_name"] for each in everything.json["result"]] == ["b"]
    assert everything.json["pagination"]["total"] == 3
