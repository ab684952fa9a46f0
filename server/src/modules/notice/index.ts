/** The channels' notices: the address they call, and who takes what they tell. The only door of the module. */
export { type NoticeServices, registerNoticeRoutes } from "./route.ts";
