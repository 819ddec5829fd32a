// Shows the room once somebody comes back to this tab from the one in which they logged in.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    location.reload();
  }
});
